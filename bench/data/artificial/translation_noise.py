"""Machine-like translation: now and then a word of a sentence is another word of its class, in the target language."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.artificial.grammar import Language, language
from bench.data.artificial.meaning import AGENT, ATTRIBUTE, DOMAIN, PATIENT, PLACE, UNSAID, VERB, Description, Tree
from bench.data.artificial.streams import Stream
from bench.errors import BadInput

# The slots that are words of their own; number and tense are grammar, which a translation keeps.
_WORDS = frozenset({AGENT, ATTRIBUTE, VERB, PATIENT, PLACE})


@dataclass(frozen=True, slots=True)
class Translator:
    """Says meanings in one language, where each word is mistranslated with probability `noise`.

    The source language is not translated, so nothing is ever mistaken in it.
    """

    speaker: Language
    noise: float = 0.0

    def sentence(self, said: Description, *key: object, keep: frozenset[int] = frozenset()) -> str:
        """Return `said` as a sentence; equal `key` and language mistake the same words."""
        return self.speaker.sentence(self.heard(said, *key, keep=keep))

    def heard(self, said: Description, *key: object, keep: frozenset[int] = frozenset()) -> Description:
        """Return the meaning that the translation says: `said`, but for mistaken words; the slots `keep` are right.

        A leaf becomes another one of its class, a class another class.
        """
        if not self.noise or self.speaker.facts.source:
            return said
        stream = Stream("mistranslation", self.speaker.facts.token, *key)
        mistaken = [stream.chance(self.noise) for _ in DOMAIN]
        nodes = [
            _sibling(stream, tree, node) if wrong and slot in _WORDS - keep and node != UNSAID else node
            for slot, (tree, node, wrong) in enumerate(zip(DOMAIN, said.nodes, mistaken, strict=True))
        ]
        return Description(tuple(nodes), said.negated)

    @property
    def note(self) -> str:
        """What provenance says of the noise."""
        return f", words mistranslated at a rate of {self.noise:g}" if self.noise else ""


def translator(token: str, split: str, noise: float) -> Translator:
    """Return a translator into `token`; raises BadInput for a noise that is no rate, or not for training."""
    if not 0.0 <= noise <= 1.0:
        raise BadInput(f"Got noise={noise}, but the share of words mistranslated is between 0 and 1.")
    if noise and split != "train":
        raise BadInput(
            f"Got noise={noise} for split={split!r}, but only training splits are mistranslated; use noise=0."
        )
    return Translator(language(token), noise)


def _sibling(stream: Stream, tree: Tree, node: int) -> int:
    if not tree.is_leaf(node):
        return stream.choice([other for other in range(tree.leaves, tree.size) if other != node])
    return stream.choice([leaf for leaf in tree.below(tree.hypernym(node)) if leaf != node])
