"""What the documents say is what the repository does."""

import re
from pathlib import Path

import pytest

from tests.readme_leaderboard import with_leaderboard

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_readmes_leaderboard_is_that_of_the_published_rows():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert with_leaderboard(readme) == readme


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_option_the_readme_names_exists():
    options = set(re.findall(r"(?<!-)(--[a-z][a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    known = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "fixtures" / "options.py").read_text(encoding="utf-8")))
    axes = {f"--{axis}" for axis in ("models", "intermediates", "targets", "languages", "seeds")}

    assert options - known - axes - {"--group"} == set()
