"""From a meaning to a sentence in one language: words, their marking, their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from bench.data.artificial.languages import (
    CUMULATIVE,
    FREE,
    IDENTICAL,
    INTROFLEXIVE,
    MANY,
    SOURCE,
    LanguageFacts,
    describe,
)
from bench.data.artificial.lexicon import Coiner, draw_phonotactics
from bench.data.artificial.meaning import (
    AGENT,
    AGENTS,
    ATTRIBUTE,
    ATTRIBUTES,
    NUMBER,
    PATIENT,
    PATIENT_NUMBER,
    PATIENTS,
    PLACE,
    PLACES,
    TENSE,
    TENSES,
    UNSAID,
    VERB,
    VERBS,
    Description,
)
from bench.data.artificial.streams import Stream

_OPEN_CLASSES = {
    "agent": AGENTS.size,
    "patient": PATIENTS.size,
    "verb": VERBS.size,
    "place": PLACES.size,
    "attribute": ATTRIBUTES.size,
}
# The first place of each group bears a name, the same in every language and never inflected.
NAMED_PLACES = tuple(group * PLACES.leaves // PLACES.groups for group in range(PLACES.groups))
_SINGULAR, _PLURAL = 0, 1
Bundle = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Language:
    """One language: its facts, stems by (word class, node), noun classes, and markers by what they mark."""

    facts: LanguageFacts
    stems: dict[tuple[str, int], str]
    classes: tuple[int, ...]
    markers: dict[object, str]
    polarity: tuple[str, str]
    _words: dict[tuple[str, int, Bundle], tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def sentence(self, description: Description) -> str:
        """Return the sentence that says `description`, words parted by single spaces."""
        return " ".join(word for chunk in self.chunks(description) for word in chunk)

    def chunks(self, description: Description) -> list[tuple[str, ...]]:
        """Return the constituents in order; across languages each slot's constituent says the same."""
        said = self.constituents(description)
        return [said[part] for part in self.order() if part in said]

    def order(self) -> tuple[str, ...]:
        """Return the order of constituents: agent, attribute, polarity, verb, patient, place."""
        agent = ("attribute", "agent") if self.facts.adjective_first else ("agent", "attribute")
        parts = {"S": agent, "V": ("polarity", "verb"), "O": ("patient",)}
        return (*(part for letter in self.facts.verb_order for part in parts[letter]), "place")

    def constituents(self, description: Description) -> dict[str, tuple[str, ...]]:
        """Return the words of each constituent that is said, by its name."""
        nodes = description.nodes
        said = {
            "agent": self.word("agent", nodes[AGENT], self._noun(nodes[NUMBER], "nominative")),
            "polarity": (self.polarity[description.negated],),
            "verb": self.word("verb", nodes[VERB], self._verb(nodes)),
            "patient": self.word("patient", nodes[PATIENT], self._noun(nodes[PATIENT_NUMBER], "accusative")),
        }
        if nodes[ATTRIBUTE] != UNSAID:
            said["attribute"] = self.word("attribute", nodes[ATTRIBUTE], self._agreement(nodes))
        if nodes[PLACE] != UNSAID:
            said["place"] = self.word("place", nodes[PLACE], self._noun(_SINGULAR, "locative"))
        return said

    def word(self, kind: str, node: int, bundle: Bundle) -> tuple[str, ...]:
        """Return stem and marking of one word: one string, or several where morphemes are free."""
        key = (kind, node, bundle)
        if key not in self._words:
            self._words[key] = self._inflected(*key)
        return self._words[key]

    def _inflected(self, kind: str, node: int, bundle: Bundle) -> tuple[str, ...]:
        stem = self.stems[kind, node]
        if kind == "place" and node in NAMED_PLACES:
            return (stem,)
        if self.facts.synthesis == INTROFLEXIVE:
            return (interdigitated(stem, self.markers[kind, bundle]),)
        if self.facts.exponence == CUMULATIVE:
            return (stem + self.markers[kind, bundle],)
        marks = [self.markers[mark] for mark in bundle if mark in self.markers]
        return (stem, *marks) if self.facts.synthesis == FREE else ("".join((stem, *marks)),)

    def _noun(self, number: int, case: str) -> Bundle:
        return (("number", number), (case, 0))

    def _verb(self, nodes: tuple[int, ...]) -> Bundle:
        return (("tense", nodes[TENSE]), *self._agreement(nodes))

    def _agreement(self, nodes: tuple[int, ...]) -> Bundle:
        if self.facts.categories != MANY:
            return ()
        return (("agreed number", nodes[NUMBER]), ("agreed class", self.classes[nodes[AGENT]]))


def interdigitated(root: str, pattern: str) -> str:
    """Return the consonants of `root` set into `pattern`: "ktb" and "1a2i3" make "katib"."""
    for place, consonant in enumerate(root, start=1):
        pattern = pattern.replace(str(place), consonant)
    return pattern


@cache
def language(token: str) -> Language:
    """Return the language named by `token`; the identical clone shares every word with the source."""
    facts = describe(token)
    code = SOURCE if facts.code == IDENTICAL else facts.code
    # A scarce language differs from its plentiful twin, and the clone from the source, in words alone.
    sounds = draw_phonotactics(Stream("sounds", facts.world, facts.type, facts.control != ""))
    stream = Stream("lexicon", facts.world, code)
    coiner = Coiner(stream, sounds, _words_of_twin(facts))
    polarity = (coiner.particle(), coiner.particle())
    stems = _stems(facts, coiner)
    classes = tuple(stream.below(2) for _ in range(AGENTS.size))
    return Language(facts, stems, classes, _markers(facts, coiner), polarity)


def _words_of_twin(facts: LanguageFacts) -> frozenset[str]:
    """Return what a clone or a scarce language must not share with the language it is compared with."""
    if facts.control == "clone":
        twin = language(f"w{facts.world}_{SOURCE}")
    elif facts.data == "scarce":
        twin = language(f"w{facts.world}_{facts.type}")
    else:
        return frozenset()
    return frozenset((*twin.stems.values(), *twin.markers.values(), *twin.polarity))


def _stems(facts: LanguageFacts, coiner: Coiner) -> dict[tuple[str, int], str]:
    coin = coiner.root if facts.synthesis == INTROFLEXIVE else coiner.stem
    stems = {(kind, node): coin() for kind, size in _OPEN_CLASSES.items() for node in range(size)}
    return stems | {("place", node): name for node, name in zip(NAMED_PLACES, names(facts.world), strict=True)}


@cache
def names(world: int) -> tuple[str, ...]:
    """Return the names of places, the only words that the languages of a world share."""
    stream = Stream("names", world)
    coiner = Coiner(stream, draw_phonotactics(stream))
    return tuple(coiner.stem() + coiner.particle() for _ in NAMED_PLACES)


def _markers(facts: LanguageFacts, coiner: Coiner) -> dict[object, str]:
    if facts.exponence == CUMULATIVE:
        coin = coiner.pattern if facts.synthesis == INTROFLEXIVE else coiner.suffix
        return {key: coin() for key in _bundles()}
    coin = coiner.particle if facts.synthesis == FREE else coiner.suffix
    return {mark: coin() for mark in _FEW_MARKS + (_MORE_MARKS if facts.categories == MANY else ())}


_FEW_MARKS: Bundle = (
    ("number", _PLURAL),
    ("locative", 0),
    *(("tense", tense) for tense in range(TENSES.leaves)),
)
_MORE_MARKS: Bundle = (
    ("nominative", 0),
    ("accusative", 0),
    ("agreed number", _PLURAL),
    ("agreed class", 0),
    ("agreed class", 1),
)


def _bundles() -> list[tuple[str, Bundle]]:
    """Return (word class, bundle) for every cell of the paradigms of a cumulative language."""
    nouns = [
        (kind, (("number", number), (case, 0)))
        for kind, case in (("agent", "nominative"), ("patient", "accusative"))
        for number in range(2)
    ]
    agreements = [(("agreed number", number), ("agreed class", sort)) for number in range(2) for sort in range(2)]
    verbs = [(("tense", tense), *agreement) for tense in range(UNSAID, TENSES.leaves) for agreement in agreements]
    cells: list[tuple[str, Bundle]] = [("place", (("number", _SINGULAR), ("locative", 0)))]
    cells += [("attribute", bundle) for bundle in agreements]
    return cells + nouns + [("verb", bundle) for bundle in verbs]
