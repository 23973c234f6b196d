import os
from dataclasses import replace

import numpy as np

from bench.engine import PREDICTIONS_FILE, read_entry
from bench.predictions import write_predictions
from bench.store import Store
from bench.stored_predictions import stored_predictions
from tests.prediction_factory import make_predictions

KEY = "a" * 64


def publish(store, predictions, key=KEY):
    return store.publish(
        "predictions", key, {}, {}, lambda path: write_predictions(path / PREDICTIONS_FILE, predictions)
    )


def test_what_was_read_is_not_read_again(tmp_path):
    entry = publish(Store(tmp_path), make_predictions(9))
    assert read_entry(entry) is read_entry(entry)


def test_what_was_made_anew_is_read_anew(tmp_path):
    store = Store(tmp_path)
    entry = publish(store, make_predictions(9))
    before = read_entry(entry)
    (entry.path / PREDICTIONS_FILE).write_bytes(b"damaged")
    os.utime(entry.path / PREDICTIONS_FILE, (0, 0))
    assert store.find("predictions", KEY, hashed=True) is None
    after = read_entry(publish(store, make_predictions(12)))
    assert (len(before), len(after)) == (9, 12)


def test_equal_names_are_held_once_and_others_are_kept(tmp_path):
    # Names of one file have one width; these have the same bytes at another.
    names = [["abcd", "efgh", "ijkl"], ["abcd", "efgh", "ijkl"], ["abc", "def", "ghi", "jkl"]]
    keys = [each * 64 for each in "abc"]
    for key, ids in zip(keys, names, strict=True):
        publish(Store(tmp_path), replace(make_predictions(len(ids)), item_ids=np.array(ids)), key)
    read = stored_predictions(Store(tmp_path))
    first, second, third = map(read, keys)
    assert first.item_ids is second.item_ids
    assert third.item_ids.tolist() == names[2]
    assert read("d" * 64) is None
