"""The figure of the three tests: what it says is what the answer says."""

import re
from contextlib import nullcontext

import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.report.analysis import analyse
from bench.report.answer import answer
from bench.report.directory import write_reports
from bench.report.figure_answer import answer_figure, figure_name, has_answer
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from tests.row_factory import LANGUAGES, make_row, make_rows
from tests.slope_rows import ladder_rows
from tests.world_rows import world_rows

TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")


def analysed(rows):
    # The factory's real rows are of six languages, of which a mean over all of XNLI's would lack nine.
    real = any(row.world == "real" for row in rows)
    return analyse(rows, Ledger(), LANGUAGES if real else languages_of(rows))


def drawn(rows, path):
    answer_figure(analysed(rows).families[0], path)
    return TEXT.findall(path.read_text())


def test_worlds_have_a_mark_each_and_their_mean_and_every_test_its_verdict(tmp_path):
    rows = world_rows((0.08, 0.1, 0.12, 0.1))
    words = drawn(rows, tmp_path / "answer.svg")

    assert [f"w{world}, items and seeds" in words for world in range(5)] == [True] * 4 + [False]
    assert "mean, between worlds" in words
    assert words.count("supported") == 3
    assert "Q2: Q1 beyond what as many" in words
    assert "upper bounds, read off rows" in " ".join(words)


def test_flags_are_those_of_the_rows_that_the_tests_read(tmp_path):
    rows = world_rows((0.08, 0.1), models=("pocket_xs", "pocket_s"))
    others = [("ccg", "", "at_chance"), ("snli", "ls10", "arbitrary_scale")]
    rows += [
        make_row(model="pocket_s", intermediate=task, variant=variant, world="w0", language="w0_agg", flags=[flag])
        for task, variant, flag in others
    ]
    words = " ".join(drawn(rows, tmp_path / "answer.svg"))
    assert "Flags of at least one line: artificial, source_discourse" in words
    assert "at_chance" not in words
    assert "arbitrary_scale" not in words


def test_a_real_ladder_has_both_errors_and_a_ladder_of_depth_says_what_it_is_not(tmp_path):
    real = drawn(ladder_rows(0.1), tmp_path / "size.svg")
    assert {"items and seeds", "sizes about the line", "supported"} <= set(real)
    assert "never model size" not in " ".join(real)
    deep = drawn(ladder_rows(0.1, models=("me5_small_l3", "me5_small_l6")), tmp_path / "depth.svg")
    assert "depth of one encoder, never model size; fewer than 4 sizes: no verdict on a slope" in " ".join(deep)
    assert "no verdict" in deep


def test_what_has_no_change_has_no_figure(tmp_path):
    rows = make_rows()
    assert not any(map(has_answer, analysed(rows).families))
    write_reports(rows, Ledger(), tmp_path)
    assert not list(tmp_path.glob("answer-*"))


def test_no_two_families_share_a_name():
    names = [figure_name(family) for family in analysed(ladder_rows(0.1)).families]
    assert len(set(names)) == len(names) > 1


def test_the_answer_and_the_page_show_the_figure_that_a_run_draws(tmp_path):
    rows = world_rows((0.08, 0.1, 0.12))
    (family,) = analysed(rows).families
    name = f"{figure_name(family)}.svg"

    assert tmp_path / name in write_reports(rows, Ledger(), tmp_path)
    assert f"![The three tests]({name})" in answer(analysed(rows))
    page = (tmp_path / "index.html").read_text()
    assert page.index('id="answer"') < page.index(f'<a href="{name}">') < page.index('id="coverage"')
    assert page.count(f'<a href="{name}">') == 1


def test_marks_and_intervals_lie_where_the_numbers_are(monkeypatch):
    (family,) = analysed(world_rows((0.05, 0.08, 0.11))).families
    figure = Figure()
    monkeypatch.setattr("bench.report.figure_answer.figure_to", lambda *_: nullcontext(figure))
    answer_figure(family)
    (axes,) = figure.axes

    first = [round(float(line.get_xdata()[0]), 6) for line in axes.lines if line.get_marker() != "None"][:4]
    assert first == [5, 8, 11, 8]
    ends = [100 * end for end in family.outcomes[0].over_worlds.interval()]
    segments = [each.get_segments()[0][:, 0].tolist() for each in axes.collections if isinstance(each, LineCollection)]
    assert segments[3] == pytest.approx(ends)
    # What would not matter: less than a point on either side.
    (band,) = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert (band.get_x(), band.get_width()) == (-1, 2)
