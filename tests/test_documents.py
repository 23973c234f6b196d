"""What the documents say is what the repository does."""

import re
from pathlib import Path

import pytest

from bench.data.artificial import WORLDS
from tests.metrics_table import with_tables
from tests.readme_leaderboard import with_leaderboard
from tests.worlds_accuracy import MODELS, accuracy, cells, plentiful, scarcity, with_table

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_readmes_leaderboard_is_that_of_the_published_rows():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert with_leaderboard(readme) == readme


def test_the_accuracies_of_the_worlds_are_those_of_the_published_rows():
    page = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")

    assert with_table(page) == page


def test_the_tables_of_metrics_and_calibrators_are_those_of_the_registries():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert with_tables(page) == page


@pytest.mark.parametrize("world", WORLDS)
def test_the_published_worlds_are_instruments(world):
    found = cells()
    source, (small, *_, large) = f"w{world}_src", MODELS

    assert min(accuracy(found[large, token])[1] for token in plentiful(world)) >= 0.55
    assert scarcity(found, large, world) >= 0.05
    assert accuracy(found[large, source])[0] - accuracy(found[small, source])[0] >= 0.10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_option_the_readme_names_exists():
    options = set(re.findall(r"(?<!-)(--[a-z][a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    known = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "fixtures" / "options.py").read_text(encoding="utf-8")))
    axes = {f"--{axis}" for axis in ("models", "intermediates", "targets", "languages", "seeds")}

    assert options - known - axes - {"--group"} == set()
