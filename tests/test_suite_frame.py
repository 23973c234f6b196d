"""All nine targets through the suite: what runs, what is skipped and why, what rows and reports say of each kind."""

import pytest

from bench.catalog import tasks

TARGETS = [task.token for task in tasks.TARGETS]
# First score, pairing of German with the source, further views; None where there is no source.
SAID = {
    "pawsx": ("accuracy", "items", ()),
    "udpos": ("accuracy", "none", ()),
    "panx": ("entity_f1", "none", ("entity", "entity_min", "non_o")),
    "xquad": ("f1", "items", ("f1_half",)),
    "mlqa": ("f1", "common", ("f1_half",)),
    "bucc": ("f1", None, ()),
    "tatoeba": ("accuracy", None, ("among_all",)),
}
SCORES = {
    "pawsx": {"accuracy"},
    "udpos": {"accuracy", "chunk_f1"},
    "panx": {"accuracy", "entity_f1"},
    "xquad": {"em", "f1"},
    "mlqa": {"em", "f1"},
    "bucc": {"f1", "precision", "recall"},
    "tatoeba": {"accuracy", "accuracy_reverse"},
}


@pytest.fixture
def frame(suite, tiny):
    """Return a function that runs the tiny model on targets in English, German and Swahili, without SQuAD."""
    axes = (*tiny[:4], "--languages", "en,de,sw", *tiny[6:], "--intermediates", "none")
    return lambda targets, *more: suite(*axes, "--targets", targets, *more)


def test_one_run_covers_the_nine_targets(frame):
    finished = frame(",".join(TARGETS), "--substitute", "squad_v1=tydiqa")
    rows = {(row.condition.target, row.condition.language, row.recalibration): row for row in finished.rows}
    german = {target: rows[target, "de", "none"] for target in SAID}

    assert finished.result.ret == pytest.ExitCode.OK
    # Only XNLI's German is not in the mirror.
    assert finished.statuses == {"run": 19, "skipped": 1}
    assert [entry.reason[:9] for entry in finished.ledger.entries if entry.status == "skipped"] == ["needs hub"]
    check_what_german_rows_say(german)
    check_recalibrations(rows)
    check_flags(rows)
    check_reports(finished)


def check_what_german_rows_say(german):
    assert {target: (row.baseline[0], row.data["pairing"], row.views) for target, row in german.items()} == SAID
    assert {target: set(row.data["task_scores"]) for target, row in german.items()} == SCORES
    assert {target for target, row in german.items() if row.data["soft_f1"] is not None} == {"xquad", "mlqa"}
    assert all(row.data["transfer"] is None for target, row in german.items() if SAID[target][1] is None)
    assert german["panx"].view("entity").n <= german["panx"].view("non_o").n <= german["panx"].n == 32
    assert german["tatoeba"].baseline == ("accuracy", 1 / 14)


def check_recalibrations(rows):
    after = {target: {name for of, _, name in rows if of == target} - {"none"} for target in TARGETS}

    assert after == {target: {"ts_en"} for target in TARGETS} | {"tatoeba": {"ts_pivot"}, "bucc": set()}
    assert rows["tatoeba", "sw", "ts_pivot"].data["calibrator"]["n"] == 14


def check_flags(rows):
    """Of the languages but English: its rows are compared with nothing."""
    flagged = {(flag, target) for (target, language, _), row in rows.items() if language != "en" for flag in row.flags}

    assert {target for flag, target in flagged if flag == "substitute_train"} == {"xquad", "mlqa"}
    assert {target for flag, target in flagged if flag == "unpaired"} == {"udpos", "panx", "tydiqa"}
    assert {target for flag, target in flagged if flag == "dev_as_test"} == {"bucc"}


def check_reports(finished):
    page = (finished.output / "leaderboard.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("| none ") and line.count("|") == 11]
    cells = dict(zip(TARGETS, [cell.strip() for cell in line.strip("|").split("|")][1:], strict=True))

    assert "8 of 9 combinations ran" in page
    # Nothing is learnt from so few invented rows by a random encoder.
    assert cells["xnli"] == "2/3 (2°)"
    assert cells["bucc"] == "1 (1°)"
    assert page.count("### Further views") == 5
    finished.result.stdout.fnmatch_lines(["*8 of 9 combinations ran*", "intermediate * xnli * tatoeba*", "none *2/3*"])


def test_without_a_substitute_what_trains_on_squad_is_skipped(frame):
    finished = frame("xquad,tydiqa")

    assert finished.statuses == {"run": 2, "skipped": 2}
    assert {entry.condition.target for entry in finished.ledger.entries if entry.status == "skipped"} == {"xquad"}


def test_a_substitute_makes_another_study(frame):
    plain = frame("tydiqa", "-k", "en").rows
    both = frame("tydiqa", "-k", "en", "--substitute", "squad_v1=tydiqa").rows

    assert len({row.study for row in both}) == 2
    assert {row.study for row in plain} < {row.study for row in both}


def test_targets_of_one_intermediate_share_it(frame):
    finished = frame("pawsx,tatoeba", "--intermediates", "none,snli", "--plan")

    # Trained: SNLI once, PAWS-X after it and after nothing; by cells: SNLI for 2 of either target, PAWS-X for 2 and 2.
    finished.result.stdout.fnmatch_lines(
        ["Shared: 3 trainings serve all selected cells, where a cell at a time would take 8; 5 are saved."]
    )


@pytest.mark.parametrize("given", ["squad_v1", "squad_v1=", "squad=tydiqa", "squad_v1=squad_v1"])
def test_a_substitute_that_names_no_two_tasks_is_refused(suite, given):
    result = suite("--substitute", given).result

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    message = f"Got --substitute {given!r}, but it reads TASK=OTHER, such as squad_v1=tydiqa."
    assert message in result.stderr.str() + result.stdout.str()
