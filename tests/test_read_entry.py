import os

from bench.engine import PREDICTIONS_FILE, read_entry
from bench.predictions import write_predictions
from bench.store import Store
from tests.prediction_factory import make_predictions

KEY = "a" * 64


def publish(store, predictions):
    return store.publish(
        "predictions", KEY, {}, {}, lambda path: write_predictions(path / PREDICTIONS_FILE, predictions)
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
