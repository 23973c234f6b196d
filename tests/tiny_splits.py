"""Splits of every kind with a head, on the words of tests/tiny_models.py: one word tells each answer."""

from bench.data.example import Answer, ChoiceExample, Provenance, Question, Split, TaggedSentence
from bench.modeling.heads import new_head
from tests.tiny_models import WORDS, nli_split, tiny_tokenizer

TAGS = ("O", "B-PER", "I-PER")
ANSWER = "sing"


def choice_split(count, name="train", language="en", first=0, choices=3):
    """Return texts whose right continuation, of `choices`, is the one that begins with "all"."""
    examples = []
    for number in range(first, first + count):
        label = number % choices
        ends = [f"{'all' if i == label else 'no'} {' '.join(WORDS[3 : 4 + (number + i) % 4])}" for i in range(choices)]
        text = " ".join(WORDS[3 + (number * step) % 6] for step in range(1, 2 + number % 5))
        examples.append(ChoiceExample(f"{name}-{number}", f"{name}-{number // 3}", text, tuple(ends), label))
    return Split(name, language, (), tuple(examples), Provenance("local"))


def tag_split(count, name="train", language="en", first=0):
    """Return sentences of 1 to 7 words, each tagged by what it is: quantifier, animal or what that does."""
    examples = []
    for number in range(first, first + count):
        places = [(number * (step + 1) + step * step) % 9 for step in range(1 + number % 7)]
        tags = tuple(place // 3 for place in places)
        words = tuple(WORDS[place] for place in places)
        examples.append(TaggedSentence(f"{name}-{number}", f"{name}-{number // 3}", words, tags))
    return Split(name, language, TAGS, tuple(examples), Provenance("local"))


def question_split(count, name="train", language="en", first=0, unanswerable=False):
    """Return questions answered by the only "sing" of the context; every fourth has none where `unanswerable`."""
    examples = []
    for number in range(first, first + count):
        words = [WORDS[(number + step * step) % 8] for step in range(3 + number % 9)]
        place = (5 * number) % len(words)
        lacking = unanswerable and number % 4 == 3
        if not lacking:
            words[place] = ANSWER
        start = len(" ".join([*words[:place], ""]))
        answers = () if lacking else (Answer(ANSWER, start),)
        examples.append(Question(f"{name}-{number}", f"{name}-{number // 3}", "some birds", " ".join(words), answers))
    return Split(name, language, (), tuple(examples), Provenance("local"))


MAKERS = {
    "sentence_pair": nli_split,
    "multiple_choice": choice_split,
    "tagging": tag_split,
    "span": question_split,
}


def head_of(kind, hidden=16, pooling="first", spread=1, aggregate=False):
    """Return a head for such a split, its weights times `spread`: a fresh one answers alike for all."""
    head = new_head(hidden, 3, seed=0, role="target", pooling=pooling, kind=kind, aggregate=aggregate)
    for name, weight in head.named_parameters():
        if name.startswith(("dense.weight", "out.weight")):
            weight.data.mul_(spread)
    return head


def subword_tokenizer(architecture="xlm-roberta"):
    """Return the tiny tokenizer with pieces in place of whole words: a word goes on with "##s" or "##ing"."""
    from tokenizers import models

    tokenizer = tiny_tokenizer((*WORDS, "##s", "##ing"), architecture)
    backend = tokenizer.backend_tokenizer
    backend.model = models.WordPiece(backend.get_vocab(), unk_token=tokenizer.unk_token)
    return tokenizer
