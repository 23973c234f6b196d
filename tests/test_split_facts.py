"""What keys need to know of splits: noted for those that are drawn, and not believed when a note is none."""

import pytest

from bench import split_facts
from bench.data.example import Example, Provenance, Split
from bench.data.sources import Access
from bench.materials import Materials
from bench.plan import Training
from bench.split_facts import SplitFacts, facts_of, noted
from bench.study import Study

SPLIT = Split("test", "w0_agg", ("yes", "no"), (Example("1", "g", "a", "b", 0),), Provenance("artificial"))
FACTS = SplitFacts("test", "w0_agg", "sentence_pair", SPLIT.fingerprint, 1)


def drawn(world=0, intermediate="none"):
    return Training("pocket_xs", world, intermediate, "bucc", 0, "")


def test_facts_are_those_of_the_split():
    assert facts_of(SPLIT) == FACTS


def test_what_is_noted_is_not_drawn_again(tmp_path):
    assert noted(tmp_path, "it", lambda: (SPLIT, SPLIT)) == (FACTS, FACTS)
    assert noted(tmp_path, "it", None) == (FACTS, FACTS)
    assert noted(tmp_path, "another", lambda: ()) == ()


def test_a_note_counts_for_the_code_that_wrote_it(tmp_path, monkeypatch):
    noted(tmp_path, "it", lambda: (SPLIT, SPLIT))
    monkeypatch.setattr(split_facts, "code_hash", lambda: "another")
    assert noted(tmp_path, "it", lambda: (SPLIT,)) == (FACTS,)


@pytest.mark.parametrize("change", [b"", b"[", b"[{}]", b"3", b"[3]", b"\xff"])
def test_a_note_that_is_none_is_written_again(tmp_path, change):
    noted(tmp_path, "it", lambda: (SPLIT,))
    (note,) = tmp_path.iterdir()
    whole = note.read_bytes()
    note.write_bytes(change)
    assert noted(tmp_path, "it", lambda: (SPLIT,)) == (FACTS,)
    assert note.read_bytes() == whole


@pytest.mark.parametrize(("old", "new"), [(b'"count":1', b'"count":"1"'), (b'"w0_agg"', b"7")])
def test_a_note_of_other_types_is_not_believed(tmp_path, old, new):
    noted(tmp_path, "it", lambda: (SPLIT,))
    (note,) = tmp_path.iterdir()
    note.write_bytes(note.read_bytes().replace(old, new))
    assert noted(tmp_path, "it", lambda: (SPLIT,)) == (FACTS,)


def test_where_no_note_can_be_written_the_split_is_loaded(tmp_path):
    (tmp_path / "file").touch()
    assert noted(tmp_path / "file", "it", lambda: (SPLIT,)) == (FACTS,)


def test_a_drawn_split_is_noted_for_its_limits_and_its_world(tmp_path):
    for world, study in ((0, Study("pocket", {})), (1, Study("pocket", {})), (0, Study("pocket", {}, eval_limit=30))):
        found = Materials(Access(), study, tmp_path)
        split = found.test(drawn(world), f"w{world}_agg")
        assert found.facts("test", drawn(world), f"w{world}_agg") == facts_of(split)
        again = Materials(Access(), study, tmp_path)
        again.test = None
        assert again.facts("test", drawn(world), f"w{world}_agg") == facts_of(split)
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_read_is_not_noted(tiny_mirror, tmp_path):
    real = Training("tiny", None, "none", "xnli", 0, "")
    found = Materials(Access((tiny_mirror,)), Study("frugal", {}), tmp_path)
    assert found.facts("test", real, "sw") == facts_of(found.test(real, "sw"))
    assert not list(tmp_path.iterdir())


def test_intermediates_are_noted_together(tmp_path):
    found = Materials(Access(), Study("pocket", {}), tmp_path)
    assert found.intermediate_facts(drawn(intermediate="csqa")) == tuple(
        map(facts_of, found.intermediates(drawn(intermediate="csqa")))
    )
    again = Materials(Access(), Study("pocket", {}), tmp_path)
    again.intermediates = None
    assert again.intermediate_facts(drawn(intermediate="csqa")) == found.intermediate_facts(drawn(intermediate="csqa"))
