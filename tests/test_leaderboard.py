"""The leaderboard: what is averaged, ranked and shown, what stays blank, and what never shares a table."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.catalog import tasks
from bench.catalog.language_info import LanguageInfo
from bench.catalog.languages import language, real_languages
from bench.report.averages import average, metric, worst
from bench.report.evidence import NOT_ANSWERED, evidence
from bench.report.flags import Footnotes
from bench.report.leaderboard import leaderboard
from bench.report.ledger import Ledger, LedgerEntry
from bench.report.sections import Section, sections
from bench.report.seeds import combine_seeds
from bench.report.summary import terminal_summary
from bench.report.tables import escaped, markdown_table, terminal_table, visible
from bench.rows import Estimate, Row
from tests.row_factory import GROUPS, LANGUAGES, STUDY, make_data, make_row, make_rows

GOLDEN = Path(__file__).parent / "goldens" / "leaderboard.md"
ALL_TARGETS = ("sw", "tr", "de", "th", "zh")


def ledger_of(rows: list[Row], *further: LedgerEntry) -> Ledger:
    return Ledger().merged([*(LedgerEntry(row.id, "run", "", row.study) for row in rows), *further])


def only_section(rows: list[Row], ledger: Ledger | None = None) -> Section:
    (section,) = sections(rows, ledger or ledger_of(rows), LANGUAGES)
    return section


def table_under(text: str, heading: str) -> list[dict[str, str]]:
    """The first Markdown table below a heading, as one dictionary a row."""
    lines = text.split(heading, 1)[1].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    body = [line for line in lines[start:] if line.startswith("|") or not line][: lines[start:].index("")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def test_sizes_stand_in_their_order_and_a_users_own_model_last() -> None:
    rows = [row for model in ("mine", "xlmr_xl", "xlmr_large", "xlmr_base") for row in make_rows(model=model)]

    assert only_section(rows).models == ("xlmr_base", "xlmr_large", "xlmr_xl", "mine")
    text = leaderboard(rows, ledger_of(rows), LANGUAGES)
    places = [text.index(f"#### {model}") for model in only_section(rows).models]
    assert places == sorted(places)


def test_golden() -> None:
    rows = [
        row
        for seed in (0, 1)
        for row in [
            *make_rows(intermediate="none", seed=seed, nll=0.8 + 0.01 * seed),
            *make_rows(
                intermediate="snli", seed=seed, nll=0.7, flags=["subset"], throughput={"train_examples_per_s": 12.0}
            ),
            *make_rows(intermediate="qqp", seed=seed, nll=0.75, accuracy=0.7, confidence=0.65),
        ]
    ]
    rows += make_rows(
        intermediate="mnli", nll=0.6, flags=["contaminated", "local_model"], throughput_note="under xdist"
    )
    rows += make_rows(languages=("en", "sw"), model="me5_small_l3", study="cd" * 32, flags=["truncated"])
    skipped = LedgerEntry("xlmr_xl-none-xnli-sw-s0", "skipped", "needs gpu: <none> | 0", STUDY)
    assert leaderboard(rows, ledger_of(rows, skipped), LANGUAGES) == GOLDEN.read_text()


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [*make_rows(seed=0), *make_rows(seed=1), *make_rows(intermediate="snli", nll=0.5)]
    ledger = ledger_of(rows)
    assert leaderboard(rows[::-1], ledger, LANGUAGES) == leaderboard(rows, ledger, LANGUAGES)


def test_no_rows_is_a_report_too() -> None:
    text = leaderboard([], Ledger(), LANGUAGES)
    assert f"{NOT_ANSWERED} No rung has data yet." in text
    assert "Coverage is unknown" in text
    assert "|" not in text


def test_averages_are_over_languages_then_seeds() -> None:
    rows = [make_row(language=t, seed=s, nll=n + s) for s in (0, 1) for t, n in zip(ALL_TARGETS, range(5), strict=True)]
    spread = average(only_section(rows).lines[0], ALL_TARGETS, metric("nll"))
    assert (spread.value, spread.low, spread.high) == (2.5, 2.0, 3.0)


@pytest.mark.parametrize("missing", ALL_TARGETS)
def test_a_missing_member_blanks_its_averages_and_its_rank(missing: str) -> None:
    rows = make_rows()
    ledger = ledger_of(rows)
    text = leaderboard([row for row in rows if row.condition.language != missing], ledger, LANGUAGES)
    (scores,) = table_under(text, "Ranked by NLL")
    assert {scores[name] for name in ("#", "NLL", "acc", "conf", "gap", "ECE-15", "gap ts")} == {"–"}
    assert scores["source acc"] == "90.0"
    (transfer,) = table_under(text, "### Transfer")
    assert [transfer["mean"], transfer["worst language"]] == ["–", "–"]
    assert (transfer["rich"] == "–") == (GROUPS[missing] == "rich")
    assert (transfer["poor"] == "–") == (GROUPS[missing] == "poor")


def test_a_seed_without_a_member_blanks_the_average() -> None:
    rows = [*make_rows(seed=0), *make_rows(seed=1)[:-2]]
    (scores,) = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")
    assert (scores["seeds"], scores["NLL"]) == ("2", "–")


def test_an_undefined_value_is_a_dash_and_zero_is_not() -> None:
    metrics = dict(make_row().data["metrics"])
    rows = make_rows(accuracy=0.5, confidence=0.5, metrics=metrics | {"nll": None})
    (scores,) = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")
    assert scores["NLL"] == "–"
    rows = make_rows(accuracy=0.5, confidence=0.5)
    (scores,) = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")
    assert scores["gap"] == "+0.0"


def test_a_selection_of_languages_names_its_mean_and_leaves_the_groups_blank() -> None:
    rows = make_rows(languages=("en", "sw", "th"))
    text = leaderboard(rows, ledger_of(rows), LANGUAGES)
    assert "Means are over the 2 of 5 target languages that were selected (sw, th): not comparable" in text
    (transfer,) = table_under(text, "### Transfer")
    assert (transfer["mean"], transfer["rich"], transfer["poor"]) != ("–", "–", "–")
    assert (transfer["rich"], transfer["poor"]) == ("–", "–")


def test_languages_selected_for_a_model_without_rows_do_not_blank_others() -> None:
    rows = make_rows(languages=("en", "sw"))
    other = LedgerEntry("xlmr_xl-none-xnli-zh-s0", "skipped", "needs gpu", STUDY)
    assert only_section(rows, ledger_of(rows, other)).selected == {"en", "sw"}
    same = LedgerEntry("xlmr_base-none-xnli-zh-s0", "failed", "loss is nan", STUDY)
    assert only_section(rows, ledger_of(rows, same)).selected == {"en", "sw", "zh"}


def test_languages_outside_the_analysis_are_in_the_mean_over_all_and_in_no_groups() -> None:
    infos = {"ja": LanguageInfo("ja", "Japanese", "other"), **LANGUAGES}
    ledger = ledger_of(rows := in_panx({"en": 9.0, "sw": 1.0, "th": 3.0, "ja": 5.0}))
    text = leaderboard(rows, ledger, infos)
    (scores,) = table_under(text, "Ranked by NLL")
    assert scores["NLL"] == "3.000"
    assert "Means are over the 3 of 6 target languages that were selected (sw, th, ja)" in text
    assert "Rich: sw, tr. Poor: th, zh." in text
    assert [row["language"] for row in table_under(text, "#### xlmr_base")][-1] == "ja Japanese"


def test_the_mean_over_pan_x_is_over_all_its_39_target_languages() -> None:
    infos = {token: language(token) for token in real_languages()}
    tokens = tasks.target("panx").languages
    rows = in_panx(dict.fromkeys(tokens, 1.0))
    assert "Means are over all 39 target languages." in leaderboard(rows, ledger_of(rows), infos)
    short = in_panx({token: 1.0 for token in tokens if token != "yo"})
    ledger = ledger_of(short, LedgerEntry("xlmr_base-none-panx-yo-s0", "failed", "loss is nan", STUDY))
    (scores,) = table_under(leaderboard(short, ledger, infos), "Ranked by NLL")
    assert scores["NLL"] == "–"


def in_panx(nll: dict[str, float]) -> list[Row]:
    condition = {"model": "xlmr_base", "intermediate": "none", "target": "panx", "seed": 0, "variant": ""}
    return [
        make_row(id=f"xlmr_base-none-panx-{t}-s0", condition={**condition, "language": t}, language=t, nll=value)
        for t, value in nll.items()
    ]


def test_controls_and_unknown_languages_are_shown_and_in_no_average() -> None:
    infos = {
        t: LanguageInfo(f"w0_{t}", t, g, "w0") for t, g in {"src": "source", "agg": "rich", "clone": "control"}.items()
    }
    world = {info.token: info for info in infos.values()}
    rows = [make_row(language=t, world="w0", nll=n) for t, n in {"w0_agg": 1.0, "w0_clone": 5.0, "w0_new": 7.0}.items()]
    text = leaderboard(rows, ledger_of(rows), world)
    (scores,) = table_under(text, "Ranked by NLL")
    assert scores["NLL"] == "1.000"
    assert [row["language"] for row in table_under(text, "#### xlmr_base")] == [
        "w0_agg agg",
        "w0_clone clone",
        "w0_new",
    ]


def test_lines_are_ranked_by_nll_and_contaminated_ones_have_no_rank() -> None:
    rows = [
        *make_rows(intermediate="none", nll=0.9),
        *make_rows(intermediate="snli", nll=0.8),
        *make_rows(intermediate="mnli", nll=0.1, flags=["contaminated"]),
        *make_rows(intermediate="qqp", nll=0.85, languages=("en", "sw")),
    ]
    table = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")
    assert [(row["#"], row["intermediate"]) for row in table[:4]] == [
        ("–", "mnli"),
        ("1", "snli"),
        ("2", "none"),
        ("–", "qqp"),
    ]


@pytest.mark.parametrize("flag", ["arbitrary_scale", "at_chance", "collapsed"])
def test_confidence_that_says_nothing_is_shown_and_not_ranked(flag: str) -> None:
    rows = [*make_rows(nll=1.3), *make_rows(intermediate="snli", nll=1.1, flags=[flag])]
    table = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")

    assert [(row["#"], row["intermediate"]) for row in table[:2]] == [("–", "snli"), ("1", "none")]


def test_one_language_at_chance_leaves_a_line_its_rank() -> None:
    rows = make_rows(nll=1.3)
    rows = [Row({**row.data, "flags": ["at_chance"]}) if row.condition.language == "sw" else row for row in rows]
    table = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")

    assert table[0]["#"] == "1"


def test_the_mean_of_genuine_intermediates_is_without_those_that_leave_a_model_at_chance() -> None:
    rows = [row for task in ("snli", "qqp", "csqa") for row in make_rows(intermediate=task, nll=0.8)]
    rows += make_rows(intermediate="ccg", nll=1.1, flags=["at_chance"])
    text = leaderboard(rows, ledger_of(rows), LANGUAGES)

    assert "means are over csqa, qqp, snli: after others a model is at chance." in text
    (mean,) = [row for row in table_under(text, "Ranked by NLL") if row["intermediate"].startswith("mean")]
    assert mean["NLL"].startswith("0.800")


def test_the_mean_of_genuine_intermediates_needs_all_of_them_and_no_other() -> None:
    genuine = [(m, i) for m in ("xlmr_base", "xlmr_large") for i in ("snli", "qqp")][:3]
    rows = [row for model, task in genuine for row in make_rows(model=model, intermediate=task, nll=len(task))]
    for task in ("none", "more", "multi"):
        rows += make_rows(intermediate=task, nll=100.0)
    variant = make_data(intermediate="snli", nll=100.0)
    variant["id"], variant["condition"] = f"{variant['id']}-ls10", {**variant["condition"], "variant": "ls10"}
    rows.append(Row(variant))
    rows += make_rows(intermediate="mnli", nll=100.0, flags=["contaminated"])
    table = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "Ranked by NLL")
    means = [(row["model"], row["intermediate"], row["NLL"]) for row in table if row["seeds"] == "–"]
    assert means == [("xlmr_base", "mean of qqp, snli", "3.500"), ("xlmr_large", "mean of qqp, snli", "–")]


def test_prediction_sets_get_a_table_where_rows_have_them() -> None:
    rows = make_rows()
    assert "Prediction sets" not in leaderboard(rows, ledger_of(rows), LANGUAGES)
    gaps = {"en": 0.0, "sw": 0.2}
    with_sets = [
        Row(
            {
                **row.data,
                "prediction_sets": {name: {"gap": gap, "mean_size": 1 + gap} for name in ("lac", "aps", "raps")},
            }
        )
        for row in rows
        for gap in [gaps.get(row.condition.language, 0.1)]
    ]
    table = table_under(leaderboard(with_sets, ledger_of(rows), LANGUAGES), "Prediction sets")
    assert [line["sets"] for line in table] == ["lac", "aps", "raps"]
    assert (table[0]["source gap"], table[0]["worst gap"], table[0]["source size"]) == ("+0.0", "+20.0", "1.00")


def test_other_recalibrations_get_a_table_and_mark_what_saw_target_labels() -> None:
    rows = make_rows()
    plain = leaderboard(rows, ledger_of(rows), LANGUAGES)
    assert "After recalibration" not in plain
    for row in make_rows(nll=0.25):
        if row.recalibration == "ts_en":
            flags = sorted({*row.flags, "target_labels"})
            rows.append(Row({**row.data, "recalibration": "dir_target", "flags": flags}))
    page = leaderboard(rows, ledger_of(rows), LANGUAGES)
    table = table_under(page, "After recalibration")
    assert [(line["recalibration"], line["NLL"], line["notes"] != "") for line in table] == [
        ("none", "1.000", False),
        ("dir_target", "0.250", True),
        ("ts_en", "1.000", False),
    ]
    assert "target_labels" in page
    assert "target_labels" not in plain
    assert all(line["notes"] != table[1]["notes"] for line in table_under(page, "Ranked by NLL"))


@pytest.mark.parametrize(
    "changes", [{"study": "cd" * 32}, {"protocol": "jiang2022"}, {"world": "w1"}, {"split": "validation"}]
)
def test_what_differs_in_anything_held_fixed_shares_no_table(changes: dict[str, str]) -> None:
    rows = [make_row(), make_row(**changes)]
    assert [len(section.lines[0].rows) for section in sections(rows, Ledger(), LANGUAGES)] == [1, 1]
    assert leaderboard(rows, Ledger(), LANGUAGES).count("Ranked by NLL") == 2


def test_the_worst_language_is_where_the_gap_is_largest_in_size() -> None:
    rows = [
        make_row(language="sw", accuracy=0.5, confidence=0.7),
        make_row(language="tr", accuracy=0.9, confidence=0.6),
        make_row(language="de", accuracy=0.6, confidence=0.6),
    ]
    line = only_section(rows).lines[0]
    assert worst(line, ("sw", "tr", "de")) == "tr"
    assert worst(line, ("sw", "tr", "zh")) is None


def test_throughput_is_the_mean_over_timed_rows_and_says_why_there_is_none() -> None:
    rows = [make_row(seed=s, throughput={"train_examples_per_s": r}) for s, r in ((0, 1000.0), (1, 2000.0), (2, None))]
    (rates,) = table_under(leaderboard(rows, ledger_of(rows), LANGUAGES), "### Throughput")
    assert (rates["train ex/s"], rates["predict ex/s"]) == ("1,500", "–")
    text = leaderboard([make_row(throughput_note="not timed: under xdist")], Ledger(), LANGUAGES)
    assert "No work was timed.\n\n- not timed: under xdist\n" in text


@given(st.sets(st.sampled_from(["artificial", "subset", "capped", "my|new", "z"])))
def test_every_flag_has_a_mark_and_a_text(flags: set[str]) -> None:
    footnotes = Footnotes.of(flags)
    assert set(footnotes.flags) == flags
    assert len(footnotes.marks(flags).split()) == len(footnotes.texts()) == len(flags)


def test_flags_show_as_footnotes_the_unknown_ones_too() -> None:
    rows = [*make_rows(flags=["subset"]), *make_rows(seed=1, flags=["of_tomorrow", "artificial"])]
    text = leaderboard(rows, ledger_of(rows), LANGUAGES)
    assert table_under(text, "Ranked by NLL")[0]["notes"] == "¹ ² ³"
    assert "- ¹ artificial: an artificial world" in text
    assert "- ³ of_tomorrow: a flag that this version does not know" in text


def test_one_seed_is_noted_and_two_are_not() -> None:
    rows = make_rows()
    assert "single_seed: one seed: intervals are over items only, no verdict" in leaderboard(rows, Ledger(), LANGUAGES)
    assert "single_seed" not in leaderboard([*rows, *make_rows(seed=1)], Ledger(), LANGUAGES)


def test_each_section_has_a_file_name_of_its_own() -> None:
    rows = [*make_rows(), *make_rows(split="validation"), *make_rows(world="w0")]
    slugs = [section.slug for section in sections(rows, Ledger(), LANGUAGES)]
    assert len(slugs) == 3
    assert not any(one in other for one in slugs for other in slugs if one is not other)


def test_a_row_left_over_from_an_earlier_run_is_noted() -> None:
    rows = make_rows()
    ledger = ledger_of(rows, LedgerEntry(rows[0].id, "failed", "loss is nan", STUDY))
    assert "earlier_run: the last run did not get to this case" in leaderboard(rows, ledger, LANGUAGES)
    assert "earlier_run" not in leaderboard(rows, ledger_of(rows), LANGUAGES)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [{"model": "xlmr_base"}, {"model": "xlmr_large"}],
            "Strongest evidence here: real, independently pretrained sizes.",
        ),
        (
            [{"model": "xlmr_base"}, {"model": "mbert"}],
            f"{NOT_ANSWERED} The rows are of real encoders at one size each",
        ),
        (
            [{"model": "xlmr_base"}, {"model": "xlmr_xl"}],
            "Ladder xlm-r (two generations, whose recipes differ): xlmr_base, xlmr_xl; fewer than 4 sizes",
        ),
        ([{"model": "xlmr_base"}, {"model": "xlmr_large", "flags": ["stand_in"]}], "one size each (xlmr_base)"),
        ([{"model": "me5_small_l3", "flags": ["truncated"]}], "real, truncated (me5_small_l3): depth of one encoder"),
        ([{"model": "pocket_s", "world": "w0"}], "the artificial one (w0): an analogue only."),
        ([{"model": "xlmr_base", "flags": ["random_weights"]}], f"{NOT_ANSWERED} No rung has data yet."),
    ],
)
def test_the_first_words_name_the_rung(rows: list[dict[str, object]], words: str) -> None:
    assert words in evidence([make_row(**changes) for changes in rows])


MALICIOUS = "a|b\n<script>alert(1)</script>\x1b[31m\u202e`*[x](y)\\|"


@example(MALICIOUS)
@given(st.text())
def test_a_cell_stays_one_cell_on_one_line(text: str) -> None:
    lines = markdown_table(["x", "y"], [[text, "0.10"]], left=1).split("\n")
    assert len(lines) == 3
    unescaped = lines[2].replace("\\\\", "").replace("\\|", "")
    assert unescaped.count("|") == 3
    assert "<" not in lines[2]
    assert lines[2].endswith(" 0.10 |")
    shown = "".join(terminal_table(["x"], [[text]], left=1))
    assert {unicodedata.category(character) for character in shown}.isdisjoint({"Cc", "Cf", "Zl", "Zp"})


def test_a_malicious_cell_is_shown_literally() -> None:
    assert visible(MALICIOUS) == "a|b <script>alert(1)</script>\ufffd[31m\ufffd`*[x](y)\\|"
    assert escaped("a|b <i>&\\|") == "a\\|b &lt;i&gt;&amp;\\\\\\|"
    rows = [make_row(protocol=MALICIOUS, flags=[MALICIOUS], throughput_note=MALICIOUS)]
    ledger = ledger_of(rows, LedgerEntry("xlmr_xl-none-xnli-sw-s0", "skipped", MALICIOUS, STUDY))
    for text in (leaderboard(rows, ledger, LANGUAGES), "\n".join(terminal_summary(rows, ledger, LANGUAGES, 120))):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>" not in leaderboard(rows, ledger, LANGUAGES)


def test_seeds_are_combined_with_satterthwaite_degrees_of_freedom() -> None:
    one = Estimate(0.1, 0.0, 0.2, floor=0.5)
    assert combine_seeds([one]) == one
    same = combine_seeds([one, one])
    assert (same.value, same.low, same.high, same.floor) == pytest.approx((0.1, 0.0, 0.2, 0.5))
    # Items without variance leave s / sqrt(S) and the t quantile of S - 1 = 1 degree of freedom, 12.706.
    seeds = combine_seeds([Estimate(0.0, 0.0, 0.0), Estimate(0.2, 0.2, 0.2)])
    assert (seeds.low, seeds.high) == pytest.approx((0.1 - 1.2706, 0.1 + 1.2706), abs=1e-4)
    assert combine_seeds([one, Estimate(0.3)]) == Estimate(0.2)


@pytest.mark.parametrize("width", [90, 120])
def test_the_summary_fits_the_terminal(width: int) -> None:
    tasks = ("none", "snli", "qqp")
    rows = [row for seed in (0, 1) for task in tasks for row in make_rows(intermediate=task, seed=seed)]
    lines = terminal_summary(rows, ledger_of(rows), LANGUAGES, width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("36 of 36 selected cases are scored: run 36,")
    assert any(line.startswith("xlmr_base") and "snli" in line and "zh" in line for line in lines)
