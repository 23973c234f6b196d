"""The leaderboard in the README is made of published rows: `python -m tests.readme_leaderboard` writes it again."""

from pathlib import Path

from bench.report.directory import read_results
from bench.report.language_table import languages_of
from bench.report.summary import terminal_summary
from tests.generated_parts import with_part

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "reports" / "published" / "pocket-smoke"
BEGIN, END = "<!-- leaderboard: python -m tests.readme_leaderboard -->\n", "<!-- end of leaderboard -->\n"


def leaderboard() -> str:
    """Return the summary of the published rows, as a terminal of 100 columns shows it."""
    rows, ledger = read_results(PUBLISHED)
    lines = terminal_summary(rows, ledger, languages_of(rows), 100)
    return "".join(["```\n", *(f"{line.rstrip()}\n" for line in lines), "```\n"])


def with_leaderboard(readme: str) -> str:
    """Return `readme` with the leaderboard between its marks."""
    return with_part(readme, BEGIN, END, leaderboard())


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(with_leaderboard(path.read_text(encoding="utf-8")), encoding="utf-8")
