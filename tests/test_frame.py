"""The table of intermediate and target tasks: what ran, what is missing, what says nothing."""

from bench.report.frame import frames
from bench.report.leaderboard import leaderboard
from bench.report.ledger import Ledger, LedgerEntry
from bench.report.summary import terminal_summary
from bench.report.tables import MISSING
from tests.row_factory import LANGUAGES, STUDY, make_row

OTHER = "cd" * 32


def entry(intermediate, target, language="sw", status="run", model="mbert", study=STUDY, end="s0"):
    reason = "" if status in ("run", "cached", "stand-in") else "needs hub"
    return LedgerEntry(f"{model}-{intermediate}-{target}-{language}-{end}", status, reason, study)


def at_chance(entry, recalibration="none"):
    condition = {name: getattr(entry.condition, name) for name in entry.condition.__dataclass_fields__}
    return make_row(
        id=entry.id, condition=condition, flags=["at_chance"], study=entry.study, recalibration=recalibration
    )


def only(entries, rows=()):
    ((title, headers, table),) = frames(rows, Ledger(tuple(entries)))
    return title, headers, {line[0]: dict(zip(headers[1:], line[1:], strict=True)) for line in table}


def test_tasks_stand_in_the_order_of_the_catalog():
    pairs = [("snli", "tatoeba"), ("none", "panx"), ("multi", "xnli"), ("qqp", "panx"), ("none", "xnli")]
    _, headers, table = only([entry(*pair) for pair in pairs])

    assert headers == ["intermediate", "xnli", "panx", "tatoeba"]
    assert list(table) == ["none", "qqp", "multi", "snli"]


def test_what_was_not_selected_is_a_dash():
    _, _, table = only([entry("none", "xnli"), entry("snli", "panx")])

    assert table == {"none": {"xnli": "1", "panx": MISSING}, "snli": {"xnli": MISSING, "panx": "1"}}


def test_a_cell_counts_languages_seeds_and_variants():
    axes = [("sw", "s0"), ("tr", "s0"), ("sw", "s1"), ("sw", "s0-ls10")]
    _, _, table = only([entry("none", "panx"), *(entry("none", "xnli", token, end=end) for token, end in axes)])

    assert table["none"] == {"xnli": "4", "panx": "1"}


def test_what_is_stored_or_stood_in_for_is_scored_and_other_states_are_not():
    states = ("run", "cached", "stand-in", "skipped", "failed", "blocked")
    tokens = ("ar", "bg", "de", "el", "es", "sw")
    entries = [entry("none", "xnli", token, state) for token, state in zip(tokens, states, strict=True)]
    title, _, table = only([*entries, entry("none", "panx")])

    assert table["none"] == {"xnli": "3/6", "panx": "1"}
    assert title.endswith(": 1 of 2 combinations ran, 0 of them uninformative in every language")


def test_scored_conditions_at_the_baseline_are_counted_apart():
    entries = [entry("none", "xnli", token) for token in ("sw", "tr")] + [entry("none", "panx")]
    title, _, table = only(entries, [at_chance(entries[0]), at_chance(entries[2])])

    assert table["none"] == {"xnli": "2 (1°)", "panx": "1 (1°)"}
    # XNLI says something in one of its languages.
    assert title.endswith(": 2 of 2 combinations ran, 1 of them uninformative in every language")


def test_a_row_that_an_earlier_run_left_counts_for_nothing():
    entries = [entry("none", "xnli", "sw", "failed"), entry("none", "xnli", "tr"), entry("none", "panx")]
    _, _, table = only(entries, [at_chance(entries[0])])

    assert table["none"]["xnli"] == "1/2"


def test_chance_is_told_by_the_models_own_answers():
    entries = [entry("none", "xnli"), entry("none", "panx")]
    _, _, table = only(entries, [at_chance(entries[0], "ts_en")])

    assert table["none"]["xnli"] == "1"


def test_chance_in_one_study_says_nothing_of_another():
    entries = [entry("none", target, study=study) for study in (STUDY, OTHER) for target in ("xnli", "panx")]
    found = frames([at_chance(entries[0])], Ledger(tuple(entries)))

    assert [table[0][1] for _, _, table in found] == ["1 (1°)", "1"]


def test_models_studies_and_worlds_have_tables_of_their_own_and_one_target_has_none():
    entries = [entry("none", target, study=study) for study in (STUDY, OTHER) for target in ("xnli", "panx")]
    entries += [
        entry("none", target, f"w{world}_agg", model="pocket_s") for world in (0, 1) for target in ("xnli", "panx")
    ]
    found = frames([], Ledger((*entries, entry("none", "xnli", model="xlmr_base"))))

    assert [title.partition(":")[0] for title, _, _ in found] == [
        f"mbert, real data, study {STUDY[:12]}",
        f"mbert, real data, study {OTHER[:12]}",
        f"pocket_s, artificial world w0, study {STUDY[:12]}",
        f"pocket_s, artificial world w1, study {STUDY[:12]}",
    ]


def test_the_table_stands_in_both_reports_before_any_score():
    entries = [entry("none", "xnli"), entry("none", "panx")]
    rows, ledger = [at_chance(one) for one in entries], Ledger(tuple(entries))
    page = leaderboard(rows, ledger, LANGUAGES)
    lines = terminal_summary(rows, ledger, LANGUAGES, 100)

    assert page.index("### Intermediate and target tasks") < page.index("| none") < page.index("Ranked by NLL")
    assert any(line.split() == ["none", "1", "(1°)", "1", "(1°)"] for line in lines)
    assert "uninformative" not in leaderboard(rows[:1], Ledger((entries[0],)), LANGUAGES).partition("### Notes")[0]
