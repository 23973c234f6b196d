"""Pins: what a named baseline needs, whatever that is made from, and nothing broken taken for nothing."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.canonical import digest
from bench.errors import BadInput, Corrupt
from bench.store import Store
from bench.store.location import stored
from bench.store.pins import Pin, keys_in, needed, others, pin, pins, release


def publish(store, kind, identity):
    key = digest(identity)
    store.publish(kind, key, identity, {}, lambda directory: (directory / "content").write_text("x"))
    return kind, key


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def chain(store):
    """A row made from two predictions of one checkpoint, which started from an intermediate; a stranger beside."""
    intermediate = publish(store, "intermediate", {"start": {"weights": "0" * 64}, "seed": 0})
    checkpoint = publish(store, "checkpoint", {"start": intermediate[1], "train": ["1" * 64, "2" * 64]})
    test = publish(store, "predictions", {"checkpoint": checkpoint[1], "data": "3" * 64})
    half = publish(store, "predictions", {"checkpoint": checkpoint[1], "data": "4" * 64})
    row = publish(store, "row", {"id": "a", "test": test[1], "source": None, "halves": {"sw": half[1]}})
    stranger = publish(store, "predictions", {"checkpoint": "5" * 64, "data": "3" * 64})
    return {
        "row": row, "test": test, "half": half, "checkpoint": checkpoint, "intermediate": intermediate,
        "stranger": stranger,
    }  # fmt: skip


def test_a_pinned_row_needs_all_it_was_made_from_and_nothing_else(store, chain):
    pin(store.root, "pocket", "pocket.jsonl", [chain["row"]])

    assert needed(store.root) == {chain[name]: ("pocket",) for name in chain if name != "stranger"}


def test_a_pinned_checkpoint_does_not_need_its_users(store, chain):
    pin(store.root, "pocket", "", [chain["checkpoint"]])

    assert set(needed(store.root)) == {chain["checkpoint"], chain["intermediate"]}


def test_every_baseline_that_needs_an_artefact_is_named(store, chain):
    pin(store.root, "b", "", [chain["row"]])
    pin(store.root, "a", "", [chain["half"], chain["stranger"]])
    found = needed(store.root)

    assert found[chain["half"]] == found[chain["checkpoint"]] == ("a", "b")
    assert (found[chain["row"]], found[chain["stranger"]]) == (("b",), ("a",))
    assert set(needed(store.root, [])) == set()


def test_what_a_damaged_row_was_made_from_stays_needed(store, chain):
    """The identity is lost with the manifest, and the row can be made again only from its predictions."""
    pin(store.root, "pocket", "", [chain["row"]])
    kind, key = chain["row"]
    shutil.rmtree(store.root / kind / key[:2] / key)

    assert set(needed(store.root)) == {chain[name] for name in chain if name != "stranger"}


def test_what_was_made_after_the_pin_is_needed_too(store):
    checkpoint = {"start": {"layers": 2}}
    test = publish(store, "predictions", {"checkpoint": digest(checkpoint)})
    pin(store.root, "pocket", "", [test])
    assert set(needed(store.root)) == {test}

    assert set(needed(store.root)) | {publish(store, "checkpoint", checkpoint)} == set(needed(store.root))


def test_a_key_under_two_kinds_is_needed_as_both(store):
    twins = [publish(store, kind, {"seed": 0}) for kind in ("intermediate", "checkpoint")]
    user = publish(store, "predictions", {"checkpoint": twins[0][1]})
    pin(store.root, "pocket", "", [user])

    assert set(needed(store.root)) == {*twins, user}


def test_a_pin_comes_back_and_replaces_the_one_before_it(store, chain):
    pin(store.root, "pocket", "old", [chain["row"]])
    made = pin(store.root, "pocket", "pocket.jsonl, study 1", [chain["stranger"], ("weights", "f" * 64)])

    assert made == Pin("pocket", "pocket.jsonl, study 1", (chain["stranger"], ("weights", "f" * 64)))
    assert pins(store.root) == [made]


def test_equal_pins_are_equal_bytes(store, chain):
    pin(store.root, "a", "x", [chain["row"], chain["stranger"]])
    first = (store.root / "baselines" / "a.json").read_bytes()
    pin(store.root, "a", "x", [chain["stranger"], chain["row"], chain["row"]])

    assert (store.root / "baselines" / "a.json").read_bytes() == first


def test_a_store_without_baselines_pins_nothing(tmp_path):
    assert pins(tmp_path) == []
    assert needed(tmp_path) == {}


def test_a_released_baseline_needs_nothing_and_keeps_its_artefacts(store, chain):
    pin(store.root, "a", "", [chain["row"]])
    pin(store.root, "b", "", [chain["stranger"]])

    assert [each.name for each in others(store.root, "a")] == ["b"]
    assert len(pins(store.root)) == 2
    release(store.root, "a")
    assert [each.name for each in pins(store.root)] == ["b"]
    assert len(list(stored(store.root))) == 6


def test_releasing_an_unknown_baseline_says_which_there_are(store, chain):
    with pytest.raises(BadInput, match=r"Got release='x', but the pinned baselines are: none\."):
        release(store.root, "x")
    pin(store.root, "a", "", [chain["row"]])
    with pytest.raises(BadInput, match=r"Got release='\.\./a', but the pinned baselines are: a\."):
        release(store.root, "../a")


@pytest.mark.parametrize("name", ["", "..", "../out", "a/b", ".hidden", "a\n", "a b"])
def test_a_name_that_is_no_file_name_is_refused(store, name):
    with pytest.raises(BadInput, match="but a baseline's name consists of letters, digits, '_', '-' and"):
        pin(store.root, name, "", [])
    assert not (store.root / "baselines").exists()


def test_a_bad_kind_or_key_is_refused(store):
    with pytest.raises(BadInput, match="Got kind='rows', but the store keeps only"):
        pin(store.root, "a", "", [("rows", "0" * 64)])
    with pytest.raises(BadInput, match="but a key is 64 digits"):
        pin(store.root, "a", "", [("row", "../x")])


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-2],
        lambda text: text.replace("3", "4", 1),
        lambda text: text.replace('"row"', '"rows"'),
        lambda text: text + " ",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: '{"artefacts":[[1]],"described_as":"","name":"a"}',
        lambda text: json.dumps({**json.loads(text), "more": 1}),
    ],
    ids=["empty", "cut", "key", "kind", "longer", "list", "deep", "short pair", "more"],
)
def test_a_pin_that_is_not_as_it_was_written_is_no_pin(store, damage):
    pin(store.root, "a", "", [("row", "3" * 64)])
    path = store.root / "baselines" / "a.json"
    path.write_text(damage(path.read_text()))

    with pytest.raises(Corrupt, match=r"a\.json is no pin \(.*\); write the baseline again, or delete the file"):
        needed(store.root)


def test_a_pin_under_another_name_is_no_pin(store):
    pin(store.root, "a", "", [])
    (store.root / "baselines" / "a.json").rename(store.root / "baselines" / "b.json")

    with pytest.raises(Corrupt, match=r"b\.json is no pin"):
        pins(store.root)


def test_a_directory_in_place_of_a_pin_and_a_file_in_place_of_the_directory_are_told(store):
    (store.root / "baselines" / "a.json").mkdir(parents=True)
    with pytest.raises(Corrupt, match=r"a\.json is no pin"):
        pins(store.root)
    shutil.rmtree(store.root / "baselines")
    (store.root / "baselines").touch()
    with pytest.raises(Corrupt, match=r"Cannot read .*baselines .*, where the pins are; restore it"):
        pins(store.root)


@given(st.binary(max_size=200))
def test_no_bytes_are_a_pin_by_chance(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("store")
    (root / "baselines").mkdir()
    (root / "baselines" / "a.json").write_bytes(content)

    with pytest.raises(Corrupt):
        pins(root)


def test_keys_are_found_wherever_they_are_and_never_inside_longer_words():
    identity = {"a": ["0" * 64, {"b": f"sha256:{'1' * 64}"}], "2" * 64: None, "c": "3" * 65, "d": "4" * 63}

    assert keys_in(identity) == {"0" * 64, "1" * 64, "2" * 64}


def test_only_what_lies_where_its_key_says_is_stored(store, chain):
    (store.root / "row" / "00" / ("f" * 64)).mkdir(parents=True)
    (store.root / "row" / "ff" / ".tmp-x").mkdir(parents=True)

    assert {(kind, key) for kind, key, _ in stored(store.root)} == set(chain.values())
    assert [(kind, key) for kind, key, _ in stored(store.root, "row")] == [chain["row"]]
