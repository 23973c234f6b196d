"""Damage of every sort to every file of an artefact of every kind: named, not returned, kept aside, made again."""

import json
import os
import pickle
import shutil
from collections import Counter
from dataclasses import dataclass

import pytest

from bench.canonical import canonical_json, digest
from bench.errors import CrosscalError
from bench.predictions import read_predictions, write_predictions
from bench.rows import read_rows, reproducible_part, write_rows
from bench.store import Entry, Store
from tests.prediction_factory import make_predictions
from tests.reliability_table import DAMAGE_MARKS, PAGE, words
from tests.row_factory import make_row
from tests.tiny_models import WORDS, make_tiny_model

MANIFEST = "manifest.json"
_ENCODER = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_CLASSIFIER = (*_ENCODER, "head.json", "head.safetensors")
FILES = {
    "intermediate": (*_CLASSIFIER, MANIFEST),
    "checkpoint": (*_CLASSIFIER, MANIFEST),
    "weights": (*_ENCODER, MANIFEST),
    "predictions": ("predictions.parquet", MANIFEST),
    "row": ("rows.jsonl", MANIFEST),
}


def flip_bit(path, other):
    """One bit in the middle; size and time stay."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def truncate(path, other):
    os.truncate(path, path.stat().st_size // 2)


def swap(path, other):
    """Each keeps its own time."""
    aside = path.with_name("aside")
    path.rename(aside)
    other.rename(path)
    aside.rename(other)


def empty(path, other):
    os.truncate(path, 0)


def make_directory(path, other):
    path.unlink()
    path.mkdir()


def put_pickle(path, other):
    """A pickle of the same size and time, which would run code if anybody loaded it."""
    status = path.stat()
    path.write_bytes(pickle.dumps(_Runs()).ljust(status.st_size, b"."))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def forge_checksum(path, other):
    """Another sha256 for the file in a manifest that is otherwise as `seal` writes it."""
    manifest = path.parent / MANIFEST
    fields = json.loads(manifest.read_bytes())
    if path == manifest:
        fields["sha256"] = digest("another")
    else:
        fields["files"][path.name]["sha256"] = digest("another")
        del fields["sha256"]
        fields["sha256"] = digest(fields)
    manifest.write_text(canonical_json(fields) + "\n")


def delete(path, other):
    path.unlink()


DAMAGES = (flip_bit, truncate, swap, empty, make_directory, put_pickle, forge_checksum, delete)
# A pickle is no more than other bytes where nobody looks for weights.
CASES = [
    (damage, kind, name)
    for damage in DAMAGES
    for kind, names in FILES.items()
    for name in names
    if damage is not put_pickle or name.endswith(".safetensors")
]


class _Runs:
    def __reduce__(self):
        return os._exit, (1,)


@dataclass(frozen=True)
class Outcome:
    """What became of a damaged artefact.

    `named` by verify; `refused` by find and ensure; `kept` in quarantine byte for byte; `remade` as it was.
    """

    named: bool
    refused: bool
    kept: bool
    remade: bool


def write_stores(directory):
    """Write a store with two unlike artefacts of every kind into `directory`, and return it with their keys."""
    store = Store(directory)
    keys = [digest("one"), digest("other")]
    for which, key in enumerate(keys):
        for kind in FILES:
            store.publish(
                kind, key, {"which": which}, {}, lambda path, kind=kind, which=which: _write(kind, which, path)
            )
    return store, keys


def outcome(source, damage, kind, name, directory, by_find):
    """Damage a file in a copy of the store `source`, look for its artefact by find or by ensure, and make it again."""
    store = Store(shutil.copytree(source.root, directory))
    key, other = digest("one"), digest("other")
    sound, home = source.find(kind, key), store.find(kind, key).path
    damage(home / name, store.find(kind, other).path / name)
    damaged = contents(home)
    problems = store.verify(Entry(kind, key, home, None))
    refused = store.find(kind, key, hashed=True) is None if by_find else True
    entry, made = store.ensure(kind, key, {"which": 0}, lambda staging: _copied(sound.path, staging))
    kept = [contents(path) for path in (store.root / "quarantine").glob(f"{kind}-{key}-*")]
    again = contents(entry.path)
    # When it was made is part of the manifest.
    del again[MANIFEST]
    remade = again == {each: content for each, content in contents(sound.path).items() if each != MANIFEST}
    named = bool(problems) and any(name in problem or MANIFEST in problem for problem in problems)
    return Outcome(named, refused and made, kept == [damaged], remade and store.verify(entry) == [])


def contents(directory):
    """Return the bytes of every file below `directory` by relative name, and None for directories."""
    return {
        path.relative_to(directory).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in directory.rglob("*")
    }


def _copied(source, staging):
    for path in source.iterdir():
        if path.name != MANIFEST:
            shutil.copy2(path, staging)
    return {}


def _write(kind, which, directory):
    if kind == "row":
        write_rows(directory / "rows.jsonl", [make_row(seed=which)])
    elif kind == "predictions":
        write_predictions(directory / "predictions.parquet", make_predictions(seed=which))
    elif kind == "weights":
        _tiny_model(which, directory)
    else:
        _write_classifier(kind, which, directory)


def _write_classifier(kind, which, directory):
    from bench.modeling.encoder import load_encoder
    from bench.modeling.heads import new_head
    from bench.modeling.tokenization import load_tokenizer
    from bench.training.checkpoint_io import save_classifier

    start = directory.parent / f".tmp-start-{which}"
    _tiny_model(which, start)
    encoder, config = load_encoder(start)
    head = new_head(config.hidden_size, 3, which, "target")
    save_classifier(directory, encoder, head, load_tokenizer(start), {"role": kind, "which": which})
    shutil.rmtree(start)


def _tiny_model(which, directory):
    make_tiny_model(directory, WORDS[: 9 - which], hidden=16 * (1 + which), positions=66 + which)
    facts = json.loads((directory / "tokenizer_config.json").read_text())
    (directory / "tokenizer_config.json").write_text(canonical_json(facts | {"model_max_length": 64 + which}))


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return write_stores(tmp_path_factory.mktemp("sound") / "store")


def test_every_file_of_every_kind_is_damaged(stores):
    store, keys = stores
    for kind, names in FILES.items():
        one, other = (contents(store.find(kind, key).path) for key in keys)
        assert set(one) == set(names)
        # Else swapping them would be no damage.
        assert [name for name in names if one[name] == other[name]] == []


@pytest.mark.parametrize("by_find", [True, False], ids=["find", "ensure"])
@pytest.mark.parametrize(("damage", "kind", "name"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_damage_is_named_refused_kept_and_made_good(stores, tmp_path, damage, kind, name, by_find):
    assert outcome(stores[0], damage, kind, name, tmp_path / "store", by_find) == Outcome(True, True, True, True)


def test_the_page_counts_every_case():
    part = PAGE.read_text(encoding="utf-8").partition(DAMAGE_MARKS[0])[2].partition(DAMAGE_MARKS[1])[0]
    stated = {line.split("|")[1].strip(): line.split("|")[-2].strip() for line in part.splitlines()[2:] if line}

    assert stated == {
        words(damage): f"{2 * count} of {2 * count}" for damage, count in Counter(case[0] for case in CASES).items()
    }


def test_swapped_files_damage_both_artefacts(stores, tmp_path):
    store = Store(shutil.copytree(stores[0].root, tmp_path / "store"))
    one, other = (store.find("checkpoint", key) for key in stores[1])
    swap(one.path / "head.json", other.path / "head.json")

    assert all("head.json has " in store.verify(entry)[0] for entry in (one, other))
    assert all(store.find("checkpoint", entry.key, hashed=True) is None for entry in (one, other))


def read_classifier(directory):
    from bench.training.checkpoint_io import load_classifier

    load_classifier(directory)


def read_encoder(directory):
    from bench.modeling.encoder import load_encoder

    load_encoder(directory)


def read_row(directory):
    read_rows(directory / "rows.jsonl")


def read_logits(directory):
    read_predictions(directory / "predictions.parquet")


READERS = [
    *((read_classifier, "checkpoint", name) for name in _CLASSIFIER),
    *((read_encoder, "weights", name) for name in ("config.json", "model.safetensors")),
    (read_logits, "predictions", "predictions.parquet"),
    (read_row, "row", "rows.jsonl"),
]
_FLIPS = 48


def flips(path):
    """Yield damages that flip one bit each, over the whole file."""
    size = path.stat().st_size
    for number in range(_FLIPS):

        def flip(path, other, place=size * number // _FLIPS, bit=1 << number % 8):
            content = bytearray(path.read_bytes())
            content[place] ^= bit
            path.write_bytes(content)

        yield flip


@pytest.mark.parametrize(("read", "kind", "name"), READERS)
def test_whoever_reads_a_damaged_file_unhashed_raises_only_documented_errors(stores, tmp_path, read, kind, name):
    store, keys = stores
    one, other = (store.find(kind, key).path for key in keys)
    damages, documented = [*flips(one / name), *DAMAGES], []
    for number, damage in enumerate(damages):
        home = shutil.copytree(one, tmp_path / f"one-{number}")
        damage(home / name, shutil.copytree(other, tmp_path / f"other-{number}") / name)
        # Some flips change a number or a word, which the sha256 alone can tell.
        try:
            read(home)
        except CrosscalError:
            documented.append(damage)

    assert truncate in documented


@pytest.fixture
def damaged(suite, tiny, pytester):
    """Return a function that runs a case, damages one of its artefacts, and returns its rows then and now."""

    def run(kind, name, removed=()):
        options = (*tiny, "-k", "snli and sw", "--keep-checkpoints")
        before = [reproducible_part(row) for row in suite(*options).rows]
        store = Store(pytester.path / "store")
        entry = next(each for each in store.entries(kind) if kind != "predictions" or _is_test(store, each))
        flip_bit(entry.path / name, None)
        for each in [each for kind in removed for each in store.entries(kind)]:
            store.remove(each)
        (pytester.path / "output" / "results.jsonl").unlink()
        again = suite(*options)
        again.result.assert_outcomes(passed=1)
        assert [path.name[:-9] for path in (store.root / "quarantine").iterdir()] == [f"{kind}-{entry.key}"]
        assert store.verify(store.find(kind, entry.key)) == []
        return before, [reproducible_part(row) for row in again.rows]

    return run


def _is_test(store, entry):
    (row,) = store.entries("row")
    return entry.key == row.manifest.identity["test"]


def test_a_flipped_bit_in_a_row_is_not_served(damaged):
    before, after = damaged("row", "rows.jsonl")

    assert before == after


def test_no_score_is_made_from_a_flipped_bit_in_predictions(damaged):
    before, after = damaged("predictions", "predictions.parquet", removed=["row"])

    assert before == after


def test_no_training_starts_from_a_flipped_bit_in_an_intermediate(damaged):
    before, after = damaged("intermediate", "model.safetensors", removed=["row", "predictions", "checkpoint"])

    assert before == after
