"""The ledger: counts, merging, and what a broken one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.report.coverage import coverage_line, mark_earlier, reasons
from bench.report.ledger import Ledger, LedgerEntry, read_ledger, update_ledger, write_ledger
from tests.row_factory import STUDY, make_row


def entry(seed: int, status: str, reason: str = "", study: str = STUDY, model: str = "xlmr_base") -> LedgerEntry:
    return LedgerEntry(f"{model}-none-xnli-sw-s{seed}", status, reason, study)


LEDGER = Ledger().merged(
    [
        entry(0, "run"),
        entry(1, "stand-in"),
        entry(2, "skipped", "needs gpu: none"),
        entry(3, "skipped", "needs gpu: none", model="xlmr_large"),
        entry(4, "skipped", "needs hub: offline"),
        entry(5, "failed", "loss is nan"),
    ]
)


def test_counts_keep_stand_ins_apart_and_show_zeros() -> None:
    assert LEDGER.counts() == {"run": 1, "cached": 0, "stand-in": 1, "skipped": 3, "failed": 1, "blocked": 0}
    assert coverage_line(LEDGER) == (
        "2 of 6 selected cases are scored: run 1, cached 0, stand-in 1, skipped 3, failed 1, blocked 0."
    )


def test_reasons_are_grouped_with_their_models() -> None:
    assert reasons(LEDGER) == [
        ("skipped", "needs gpu: none", 2, "xlmr_base, xlmr_large"),
        ("skipped", "needs hub: offline", 1, "xlmr_base"),
        ("failed", "loss is nan", 1, "xlmr_base"),
    ]


def test_a_ledger_reads_back_equal_and_bytes_do_not_depend_on_order(tmp_path: Path) -> None:
    write_ledger(tmp_path / "a", LEDGER)
    write_ledger(tmp_path / "b", Ledger(LEDGER.entries[::-1]))
    assert read_ledger(tmp_path / "a") == LEDGER
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_ledger_reads_back_and_claims_no_coverage(tmp_path: Path) -> None:
    write_ledger(tmp_path / "a", Ledger())
    assert read_ledger(tmp_path / "a") == Ledger()
    assert coverage_line(Ledger()) == "Coverage is unknown: there is no ledger of the selected cases."


def test_a_partial_run_merges_and_other_studies_stay(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    update_ledger(path, [entry(0, "run"), entry(1, "run"), entry(0, "run", study="0" * 64)])
    merged = update_ledger(path, [entry(0, "cached")])
    assert [(one.study[:1], one.id[-2:], one.status) for one in merged.entries] == [
        ("0", "s0", "run"),
        ("a", "s0", "cached"),
        ("a", "s1", "run"),
    ]


def test_a_row_whose_case_was_not_scored_last_is_flagged() -> None:
    rows = [make_row(seed=0), make_row(seed=5, flags=["subset"]), make_row(seed=5, study="0" * 64)]
    assert [row.flags for row in mark_earlier(rows, LEDGER)] == [(), ("earlier_run", "subset"), ()]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: entry(0, "ran"), "Got status='ran' for xlmr_base-none-xnli-sw-s0, but a status is one of run, cached"),
        (lambda: entry(0, "failed"), "Got status='failed' for xlmr_base-none-xnli-sw-s0 without a reason"),
        (lambda: LedgerEntry("x", "run", "", STUDY), "Got id='x', but an id reads"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(build: object, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        build()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no ledger: Expecting property name"),
        ("[]", "is no ledger: A ledger is an object with schema 1 and a list of entries."),
        ('{"schema": 2, "entries": []}', "A ledger is an object with schema 1"),
        ('{"schema": 1, "entries": [{"id": 1}]}', "Got the entry {'id': 1}, but an entry has the strings id, reason"),
    ],
)
def test_a_broken_ledger_is_named_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "ledger.json").write_text(text)
    with pytest.raises(BadInput) as caught:
        read_ledger(tmp_path / "ledger.json")
    assert str(caught.value).startswith(str(tmp_path / "ledger.json"))
    assert message in str(caught.value)
    assert "Delete it and run again; rows are kept elsewhere." in str(caught.value)
