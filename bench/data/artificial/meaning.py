"""What sentences mean: boxes of situations, and the closed form of the three logical relations between them.

A situation gives every slot one leaf. A description holds per slot a leaf, a hypernym or UNSAID, and denotes the
situations that fit all its slots; a negated description denotes the others. Premise P entails H iff P is a subset of H,
contradicts it iff the two share no situation, and is neutral to it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

UNSAID = -1
ENTAILMENT, NEUTRAL, CONTRADICTION = 0, 1, 2
SLOTS = ("agent", "number", "attribute", "verb", "tense", "patient", "patient_number", "place")
AGENT, NUMBER, ATTRIBUTE, VERB, TENSE, PATIENT, PATIENT_NUMBER, PLACE = range(8)

# How one slot's denotation in the premise stands to the one in the hypothesis.
EQUAL, UP, DOWN, DISJOINT = "equal", "up", "down", "disjoint"


@dataclass(frozen=True, slots=True)
class Tree:
    """A concept tree of two levels. Nodes 0..leaves-1 are leaves; leaves..leaves+groups-1 are hypernyms.

    Leaf i belongs to group i // (leaves / groups). A flat slot (tense, number) has no groups.
    """

    leaves: int
    groups: int = 0

    @property
    def size(self) -> int:
        """The number of nodes that have a word."""
        return self.leaves + self.groups

    def hypernym(self, leaf: int) -> int:
        """Return the node above `leaf`: its group, or UNSAID in a flat tree."""
        return self.leaves + leaf * self.groups // self.leaves if self.groups else UNSAID

    def is_leaf(self, node: int) -> bool:
        """Return whether `node` denotes a single leaf."""
        return 0 <= node < self.leaves

    def below(self, node: int) -> range:
        """Return the leaves that `node` denotes."""
        if node == UNSAID:
            return range(self.leaves)
        if node < self.leaves:
            return range(node, node + 1)
        width = self.leaves // self.groups
        return range((node - self.leaves) * width, (node - self.leaves + 1) * width)

    def relation(self, premise: int, hypothesis: int) -> str:
        """Return EQUAL, UP (hypothesis more general), DOWN (more specific) or DISJOINT."""
        if premise == hypothesis:
            return EQUAL
        mine, other = self.below(premise), self.below(hypothesis)
        if mine.start >= other.start and mine.stop <= other.stop:
            return UP
        if other.start >= mine.start and other.stop <= mine.stop:
            return DOWN
        return DISJOINT


@dataclass(frozen=True, slots=True)
class Description:
    """What a sentence says: one node per slot, in the order of SLOTS, and whether the whole is negated."""

    nodes: tuple[int, ...]
    negated: bool = False

    def spelled(self) -> str:
        """Return the content without polarity, as text to hash and compare by."""
        return ".".join(map(str, self.nodes))


Domain = tuple[Tree, ...]
AGENTS, PATIENTS, VERBS, PLACES, ATTRIBUTES = Tree(9, 3), Tree(9, 3), Tree(9, 3), Tree(6, 3), Tree(4)
TENSES, NUMBERS = Tree(3), Tree(2)
DOMAIN: Domain = (AGENTS, NUMBERS, ATTRIBUTES, VERBS, TENSES, PATIENTS, NUMBERS, PLACES)


def slot_relations(premise: Description, hypothesis: Description, domain: Domain = DOMAIN) -> tuple[str, ...]:
    """Return the relation of each slot, polarity left aside."""
    pairs = zip(domain, premise.nodes, hypothesis.nodes, strict=True)
    return tuple(tree.relation(mine, other) for tree, mine, other in pairs)


def relation(premise: Description, hypothesis: Description, domain: Domain = DOMAIN) -> int:
    """Return ENTAILMENT, NEUTRAL or CONTRADICTION, in closed form (natural logic over boxes)."""
    slots = set(slot_relations(premise, hypothesis, domain))
    disjoint = DISJOINT in slots
    inside = not disjoint and DOWN not in slots
    around = not disjoint and UP not in slots
    if not premise.negated:
        return _label(disjoint, inside) if hypothesis.negated else _label(inside, disjoint)
    exhausted = _fill_the_world(premise, hypothesis, domain)
    return _label(around, exhausted) if hypothesis.negated else _label(exhausted, around)


def _label(entailed: bool, contradicted: bool) -> int:
    return ENTAILMENT if entailed else CONTRADICTION if contradicted else NEUTRAL


def _fill_the_world(one: Description, two: Description, domain: Domain) -> bool:
    """Return whether the two boxes together hold every situation."""
    narrow = [_restricted(box, domain) for box in (one, two)]
    if not narrow[0] or not narrow[1]:
        return True
    # Two proper boxes cover the whole only if both leave free every slot but one, the same, and share it out.
    if narrow[0] != narrow[1] or len(narrow[0]) > 1:
        return False
    slot = narrow[0][0]
    covered = {leaf for box in (one, two) for leaf in domain[slot].below(box.nodes[slot])}
    return len(covered) == domain[slot].leaves


def _restricted(box: Description, domain: Domain) -> list[int]:
    return [slot for slot, tree in enumerate(domain) if len(tree.below(box.nodes[slot])) < tree.leaves]
