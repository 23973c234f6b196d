"""`crosscal report` and the figures: what is written, and what is said when that cannot be."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.catalog.language_info import LanguageInfo
from bench.cli import BAD_USE, main
from bench.errors import BadInput
from bench.report.directory import read_results
from bench.report.drawing import style
from bench.report.figures import degradation_figure, whisker
from bench.report.language_table import languages_of
from bench.report.leaderboard import leaderboard
from bench.report.ledger import Ledger, LedgerEntry, write_ledger
from bench.report.sections import sections
from bench.rows import Estimate, Row, read_rows, write_rows
from tests.row_factory import LANGUAGES, STUDY, make_row, make_rows
from tests.slope_rows import ladder_rows


@pytest.fixture
def results(tmp_path: Path) -> Path:
    rows = [*make_rows(), *make_rows(intermediate="snli", study="cd" * 32)]
    write_rows(tmp_path / "results" / "results.jsonl", rows)
    write_ledger(
        tmp_path / "results" / "ledger.json", Ledger(tuple(LedgerEntry(row.id, "run", "", row.study) for row in rows))
    )
    return tmp_path / "results"


def test_report_writes_the_leaderboard_a_figure_for_each_study_and_the_page(
    results: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["report", str(results)]) == 0
    pages = [
        results / name
        for name in (
            "leaderboard.md",
            "answer.md",
            "contrasts.md",
            "claims.md",
            "fidelity.md",
            "figures.md",
            "index.html",
        )
    ]
    written = [*pages, *(path for kind in ("degradation", "confidence") for path in results.glob(f"{kind}-*"))]
    assert len(written) == 7 + 8
    assert sorted(capsys.readouterr().out.split()) == sorted(map(str, written))
    text = (results / "leaderboard.md").read_text()
    assert text.count("Ranked by NLL") == 2
    # The fixture has fewer languages than XNLI: the catalog's are what a mean over all is measured by.
    assert "Means are over the 5 of 14 target languages that were selected" in text


def test_report_writes_elsewhere_on_request_and_twice_the_same(results: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert main(["report", str(results), "--output", str(tmp_path / name)]) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    assert sorted(path.name for path in results.iterdir()) == ["ledger.json", "results.jsonl"]


def _pack(path: Path, rows: list[Row]) -> None:
    path.write_bytes(gzip.compress("".join(row.line + "\n" for row in rows).encode()))


def test_packed_rows_are_reported_as_the_same_rows_in_one_file_and_linked(results: Path) -> None:
    assert main(["report", str(results)]) == 0
    pages = {path.name: path.read_bytes() for path in results.glob("*.md")}
    rows = read_rows(results / "results.jsonl")
    _pack(results / "results.jsonl.gz", rows[::2])
    _pack(results / "results-snli.jsonl.gz", rows[1::2])
    (results / "results.jsonl").unlink()

    assert main(["report", str(results)]) == 0
    assert {path.name: path.read_bytes() for path in results.glob("*.md")} == pages
    page = (results / "index.html").read_text()
    assert [name in page for name in ("results.jsonl.gz", "results-snli.jsonl.gz", '"results.jsonl"')] == [1, 1, 0]


def _split(results: Path, part: Path, share: int) -> Path:
    rows, ledger = read_results(results)
    write_rows(part / "results.jsonl", rows[share::2])
    ids = {row.id for row in rows[share::2]}
    write_ledger(part / "ledger.json", Ledger(tuple(entry for entry in ledger.entries if entry.id in ids)))
    return part


def test_several_directories_are_reported_as_one(results: Path, tmp_path: Path) -> None:
    assert main(["report", str(results)]) == 0
    parts = [str(_split(results, tmp_path / name, share)) for share, name in enumerate("ab")]
    assert main(["report", *parts, "--output", str(tmp_path / "both")]) == 0

    pages = {path.name: path.read_bytes() for path in results.glob("*.md")}
    assert {path.name: path.read_bytes() for path in (tmp_path / "both").glob("*.md")} == pages


def test_what_one_directory_has_scored_is_scored_though_another_skipped_it(results: Path, tmp_path: Path) -> None:
    ledger = read_results(results)[1]
    skipped = [LedgerEntry(entry.id, "skipped", "needs budget", entry.study) for entry in ledger.entries]
    (tmp_path / "skipped").mkdir()
    write_ledger(tmp_path / "skipped" / "ledger.json", Ledger(tuple(skipped)))
    assert read_results(results, tmp_path / "skipped")[1] == ledger
    assert read_results(tmp_path / "skipped", results)[1] == ledger


def test_several_directories_need_a_place_for_their_report_and_rows_of_their_own(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    part = _split(results, tmp_path / "part", 0)
    assert main(["report", str(results), str(part)]) == BAD_USE
    assert "Got 2 directories, but no --output; say where their common report goes." in capsys.readouterr().err
    assert main(["report", str(results), str(part), "--output", str(tmp_path / "both")]) == BAD_USE
    first = read_rows(part / "results.jsonl")[0].id
    assert (
        f"{part / 'results.jsonl'} repeats the row of {first} in {results / 'results.jsonl'}; "
        "name directories that have no row in common." in capsys.readouterr().err
    )


def test_packed_rows_are_not_read_where_rows_lie_unpacked(results: Path) -> None:
    (results / "results.jsonl.gz").write_bytes(b"not read")
    assert len(read_results(results)[0]) == len(read_rows(results / "results.jsonl"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x", "cannot be unpacked (Not a gzipped file"),
        (gzip.compress(b"{}")[:-4], "cannot be unpacked (Compressed file ended"),
        (gzip.compress(b"{}")[:10] + b"\xff" * 9, "cannot be unpacked (Error -3 while decompressing"),
        (gzip.compress(b"{}\n"), "results-b.jsonl.gz, line 1:"),
        (
            gzip.compress(make_row().line.encode()),
            f"results-b.jsonl.gz repeats the row of {make_row().id} in results-a.jsonl.gz",
        ),
    ],
    # Their bytes hold the time, and workers that name a case otherwise end the run.
    ids=["no gzip", "cut off", "damaged", "no row", "repeated"],
)
def test_bad_packed_rows_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    _pack(tmp_path / "results-a.jsonl.gz", [make_row()])
    (tmp_path / "results-b.jsonl.gz").write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(message)):
        read_results(tmp_path)


def test_a_ledger_alone_is_reported(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger.json", Ledger((LedgerEntry("a-none-xnli-sw-s0", "skipped", "needs gpu", STUDY),)))
    assert main(["report", str(tmp_path)]) == 0
    assert "0 of 1 selected cases are scored" in (tmp_path / "leaderboard.md").read_text()


def test_languages_are_those_of_the_catalog() -> None:
    infos = languages_of([make_row()])
    assert infos["sw"] == LanguageInfo("sw", "Swahili", "rich")
    assert len(infos) == 40
    assert languages_of([]) == {}


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: None, "holds neither results.jsonl nor ledger.json; name the output directory of a run."),
        (lambda path: (path / "results.jsonl").write_text("x\n"), "results.jsonl, line 1: It is no JSON"),
        (lambda path: (path / "ledger.json").write_text("x"), "ledger.json is no ledger:"),
        (
            lambda path: write_ledger(path / "ledger.json", Ledger((LedgerEntry(make_row().id, "cached", "", STUDY),))),
            "holds no results.jsonl, but ledger.json has 1 scored case(s); restore it, or run them",
        ),
    ],
)
def test_bad_results_end_with_status_2_and_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture, prepare: object, message: str
) -> None:
    prepare(tmp_path)
    assert main(["report", str(tmp_path)]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith(f"crosscal report: {tmp_path}")
    assert message in stderr
    assert stderr.count("\n") == 1


def test_an_unwritable_output_is_named(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "file").touch()
    assert main(["report", str(results), "--output", str(tmp_path / "file")]) == 2
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["report"]])
def test_bad_use_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: crosscal" in capsys.readouterr().err


def test_the_command_line_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'pytest', 'matplotlib', 'scipy', 'pyarrow'}"
    code = f"import sys, bench.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1], check=True
    )
    assert done.stdout == "[]\n"


def test_a_figure_states_its_flags_and_draws_every_line(tmp_path: Path) -> None:
    rows = [*make_rows(flags=["subset"]), *make_rows(model="xlmr_large", intermediate="snli", languages=("en", "sw"))]
    (section,) = sections(rows, Ledger(), LANGUAGES)
    degradation_figure(section, "", tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    for words in ("Flags of at least one line: single_seed, subset", "xlmr_base", "xlmr_large", "none", "snli", "rich"):
        assert words in text


def test_whiskers_are_the_range_over_seeds_or_one_seeds_interval() -> None:
    one, two = Estimate(0.1, 0.0, 0.3), Estimate(0.3, 0.2, 0.4)
    assert whisker([one, two]) == (0.2, 0.1, 0.3)
    assert whisker([one]) == (0.1, 0.0, 0.3)
    assert whisker([Estimate(0.1)]) == (0.1, 0.1, 0.1)


def test_a_figure_needs_a_suffix_it_can_draw(tmp_path: Path) -> None:
    (section,) = sections(make_rows(), Ledger(), LANGUAGES)
    with pytest.raises(BadInput, match=r"figure.pdf', but a figure ends in .svg or .png\."):
        degradation_figure(section, "", tmp_path / "figure.pdf")


def test_the_leaderboard_is_what_the_function_returns(results: Path) -> None:
    main(["report", str(results)])
    rows = [*make_rows(), *make_rows(intermediate="snli", study="cd" * 32)]
    ledger = Ledger(tuple(LedgerEntry(row.id, "run", "", row.study) for row in rows))
    assert (results / "leaderboard.md").read_text() == leaderboard(
        rows, Ledger().merged(ledger.entries), languages_of(rows)
    )


def test_pocket_build_says_which_worlds_and_models_there_are(capsys):
    assert main(["pocket", "build", "--world", "-1"]) == BAD_USE
    assert "Got world=-1, but a world is an integer of 0 or more" in capsys.readouterr().err


def test_eleven_intermediate_tasks_can_be_told_apart():
    assert len({style(place) for place in range(49)}) == 49
    assert [style(place)[1] for place in range(8)][7] != style(0)[1]


def test_a_store_that_is_none_is_refused_and_one_without_the_predictions_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    write_rows(tmp_path / "results" / "results.jsonl", ladder_rows(0.1))

    assert main(["report", str(tmp_path / "results"), "--store", str(tmp_path / "none")]) == BAD_USE
    assert "which is no directory; name the store that the run used" in capsys.readouterr().err
    (tmp_path / "store").mkdir()
    assert main(["report", str(tmp_path / "results"), "--store", str(tmp_path / "store")]) == BAD_USE
    assert "which holds no artefact; name the store that the run used" in capsys.readouterr().err
    (tmp_path / "store" / "predictions").mkdir()
    digests = {"predictions": "ab" * 32}
    rows = [Row({**row.data, "digests": digests}) for row in ladder_rows(0.1)]
    write_rows(tmp_path / "results" / "results.jsonl", rows)
    assert main(["report", str(tmp_path / "results"), "--store", str(tmp_path / "store")]) == 0
    assert (tmp_path / "results" / "answer.md").read_text().startswith("# The answer")
