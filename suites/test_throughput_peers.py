"""The same work by crosscal and by `transformers.Trainer`, in turn: `pytest suites/test_throughput_peers.py`.

Trainer comes twice, with its defaults (dynamic padding, AdamW fused) and tuned (rows of like length together), each in
the precision of the engine it stands beside. Nothing here asserts a time: every round's times are in `extra_info`, and
`python -m tests.throughput_table FILE` makes the tables of docs/speed.md of them. Needs the dependency group `peers`.
"""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.catalog.models import model as catalog_model
from bench.catalog.target_languages import target_languages
from bench.data.mirror import mirrors_from_environment
from bench.data.real import load_real
from bench.data.sources import Access
from bench.errors import CrosscalError
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from suites.true_shape import LABELS, nli_rows, true_shape

MODEL = {"cpu": "me5_small", "cuda": "xlmr_large"}
EXAMPLES, ROWS_A_LANGUAGE = {"cpu": 640, "cuda": 6400}, {"cpu": 60, "cuda": 1000}
BATCH, LENGTH, RATE, ROUNDS = 32, 128, 1e-5, 3


@pytest.fixture(scope="module")
def device(request):
    """The device of the run; `--require gpu` fails where there is none."""
    pytest.importorskip("accelerate", reason="Trainer needs accelerate, of the dependency group peers")
    name = "cuda" if torch.cuda.is_available() else "cpu"
    if "gpu" in request.config.getoption("--require") and name != "cuda":
        pytest.fail("--require gpu: torch sees no GPU here", pytrace=False)
    return name


@pytest.fixture(scope="module")
def model(device):
    """The model that is measured on this device."""
    return true_shape(catalog_model(MODEL[device]))


def trainer(model, split, device, precision, grouped, training=True):
    """Return a Trainer on `split`: its defaults but for the batch, or with rows of like length together."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments, logging

    logging.set_verbosity_error()
    rows = [
        model.tokenizer(one.text, one.text_pair, truncation=True, max_length=LENGTH) | {"labels": one.label}
        for one in split.examples
    ]
    own = {"per_device_train_batch_size": BATCH, "learning_rate": RATE} if training else {}
    arguments = TrainingArguments(
        output_dir="trainer-output", num_train_epochs=1, report_to=[], save_strategy="no", logging_strategy="no",
        disable_tqdm=True, use_cpu=device == "cpu", bf16=precision == "bfloat16" and training,
        bf16_full_eval=precision == "bfloat16" and not training, seed=0,
        **own, **({"train_sampling_strategy": "group_by_length"} if grouped else {}),
    )  # fmt: skip
    collator = DataCollatorWithPadding(model.tokenizer)
    return Trainer(model=model.classifier(), args=arguments, train_dataset=rows, data_collator=collator)


def seconds(action, device):
    """Return how long `action` takes."""
    start = time.perf_counter()
    action()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(benchmark, prepared, peers, device):
    """Time ours with the benchmark fixture and, before every round of it, each peer; `prepared` gives ours anew."""
    times = {name: [] for name in peers}

    def setup():
        for name, made in peers.items():
            times[name].append(seconds(made(), device))
        return prepared(), {}

    benchmark.pedantic(lambda action: action(), setup=setup, rounds=ROUNDS, warmup_rounds=0)
    benchmark.extra_info["peers"] = times


def facts(model, device, precision, tokens):
    """Return what is said of a comparison."""
    return {
        "model": model.token, "weights": model.weights, "precision": precision, "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device == "cuda" else device, "tokens": tokens,
        "torch": torch.__version__,
    }  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training(benchmark, model, device, precision, tmp_path, monkeypatch):
    """One epoch of English XNLI in batches of 32; ours with tokenization, Trainer on rows tokenized before."""
    monkeypatch.chdir(tmp_path)
    split = nli_rows(model, EXAMPLES[device])
    phase = Phase(
        role="target", task="xnli", epochs=1.0, batch_size=BATCH, learning_rate=RATE, max_length=LENGTH,
        warmup_fraction=0.0, weight_decay=0.0, autocast=precision == "bfloat16",
    )  # fmt: skip
    reports = []

    def prepared():
        encoder, head = model.encoder(), new_head(model.shape.hidden, len(LABELS), 0, "target")
        return (
            lambda: reports.append(finetune(encoder, head, model.tokenizer, split, None, phase, 0, device)),
        )  # fmt: skip

    peers = {
        f"Trainer, {name}": lambda grouped=grouped: trainer(model, split, device, precision, grouped).train
        for name, grouped in {"defaults": False, "tuned": True}.items()
    }
    compare(benchmark, prepared, peers, device)
    benchmark.extra_info.update(facts(model, device, precision, reports[-1].tokens))
    benchmark.extra_info["real_token_share"] = reports[-1].tokens / reports[-1].padded_tokens
    benchmark.extra_info["attention"] = reports[-1].attention


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_prediction(benchmark, model, device, precision, tmp_path, monkeypatch):
    """The same number of rows in each of XNLI's 15 languages (English alone with random weights)."""
    monkeypatch.chdir(tmp_path)
    splits = _test_rows(model, ROWS_A_LANGUAGE[device])
    together = replace(splits[0], examples=tuple(one for split in splits for one in split.examples))
    encoder, head = model.encoder(), new_head(model.shape.hidden, len(LABELS), 0, "target")
    reports = []

    def prepared():
        return (
            lambda: reports.append(
                predict(
                    encoder, head, model.tokenizer, splits, LENGTH, device, autocast=precision == "bfloat16"
                )[1]
            ),
        )  # fmt: skip

    def by_trainer():
        made = trainer(model, together, device, precision, False, training=False)
        return lambda: made.predict(made.train_dataset)

    compare(benchmark, prepared, {"Trainer.predict, defaults": by_trainer}, device)
    benchmark.extra_info.update(facts(model, device, precision, reports[-1].tokens))
    benchmark.extra_info["languages"] = len(splits)
    benchmark.extra_info["rows"] = int(np.sum([len(split.examples) for split in splits]))


def _test_rows(model, count):
    access = Access(mirrors_from_environment(), hub_allowed=False)
    if model.weights == "random":
        return [nli_rows(model, 15 * count, "test")]
    try:
        whole = [load_real("xnli", "test", token, access) for token in target_languages("xnli", None)]
    except CrosscalError as error:
        pytest.skip(str(error))
    return [replace(split, examples=split.examples[:count]) for split in whole]
