"""Model directories small enough to train in a test: random weights, a tokenizer of whole words."""

import torch

from bench.data.example import Example, Provenance, Split

LABELS = ("entailment", "neutral", "contradiction")
WORDS = ("all", "some", "no", "cats", "dogs", "birds", "sleep", "run", "sing")
_SPECIAL = {
    "xlm-roberta": ("<s>", "<pad>", "</s>", "<unk>"),
    "bert": ("[CLS]", "[PAD]", "[SEP]", "[UNK]"),
}


def make_tiny_model(directory, vocab_words=WORDS, architecture="xlm-roberta", layers=2, hidden=16, positions=66):
    """Write a random encoder of `architecture` ("xlm-roberta" or "bert") and its tokenizer, and return `directory`."""
    from transformers import AutoConfig, AutoModel

    tokenizer = tiny_tokenizer(vocab_words, architecture)
    config = AutoConfig.for_model(
        architecture, vocab_size=len(tokenizer), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=2 * hidden, max_position_embeddings=positions, pad_token_id=1,
        type_vocab_size=2 if architecture == "bert" else 1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config, add_pooling_layer=False).save_pretrained(str(directory))
    tokenizer.save_pretrained(str(directory))
    return directory


def tiny_tokenizer(vocab_words=WORDS, architecture="xlm-roberta"):
    """Return a fast tokenizer of whole words with the pair template of `architecture`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    start, padding, end, unknown = special = _SPECIAL[architecture]
    backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate((*special, *vocab_words))}, unk_token=unknown))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    middle, second = (end, 1) if architecture == "bert" else (f"{end} {end}", 0)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", pair=f"{start} $A {middle} $B:{second} {end}:{second}",
        special_tokens=[(start, 0), (end, 2)],
    )  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, cls_token=start, pad_token=padding, sep_token=end, unk_token=unknown
    )


def nli_split(count, name="train", language="en", first=0, labels=LABELS):
    """Return `count` pairs of growing and shrinking length whose label is told by the hypothesis's first word."""
    examples = []
    for number in range(first, first + count):
        label = number % len(labels)
        premise = " ".join(WORDS[3 + (number * step) % 6] for step in range(1, 2 + number % 7))
        hypothesis = f"{WORDS[label]} {WORDS[3 + number % 6]}"
        examples.append(Example(f"{name}-{number}", f"{name}-{number // 3}", premise, hypothesis, label))
    return Split(name, language, labels, tuple(examples), Provenance("local"))
