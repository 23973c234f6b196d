"""What the documents say is what the repository does."""

import re
from pathlib import Path

import pytest

from bench.data.artificial import WORLDS
from bench.report.answer import PLAN
from tests.catalog_table import with_tables as with_catalog
from tests.dose_pages import DOSES, readings, with_doses
from tests.dose_pages import WORLDS as DOSED
from tests.metrics_table import with_tables
from tests.readme_leaderboard import with_leaderboard
from tests.worlds_accuracy import MODELS, accuracy, cells, plentiful, scarcity, with_table

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "published" / "README.md"])
PUBLISHED = sorted((ROOT / "reports" / "published").glob("*/answer.md"))
PUBLISHED_PAGES = sorted((ROOT / "reports" / "published").glob("*/*.md"))


def test_the_readmes_leaderboard_is_that_of_the_published_rows():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert with_leaderboard(readme) == readme


def test_the_accuracies_of_the_worlds_are_those_of_the_published_rows():
    page = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")

    assert with_table(page) == page


def test_the_doses_of_the_worlds_are_those_of_their_pages():
    page = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")

    assert with_doses(page) == page
    assert "stays at +10 to +18 in worlds 0 and 2 and goes in world 1 (-2 to +1)" in page
    scarce = {
        world: [readings(world)[arm, token][1] for arm in DOSES[1:] for token in ("agg_lo", "fus_lo")]
        for world in DOSED
    }
    assert (round(min(scarce[0] + scarce[2])), round(max(scarce[0] + scarce[2]))) == (10, 18)
    assert (round(min(scarce[1])), round(max(scarce[1]))) == (-2, 1)


def test_the_tables_of_metrics_and_calibrators_are_those_of_the_registries():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert with_tables(page) == page


def test_the_catalog_is_that_of_the_code():
    page = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")

    assert with_catalog(page) == page


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_published_answers_name_the_plan(path):
    text = path.read_text(encoding="utf-8")

    assert ("## Confirmatory tests" in text) == (f"sha256 {PLAN}; docs/analysis-choices.md" in text)


def test_every_published_directory_is_listed():
    listed = re.findall(r"\]\(([^)/]+)/README\.md\)", (ROOT / "reports" / "published" / "README.md").read_text())

    assert sorted(listed) == sorted(path.name for path in (ROOT / "reports" / "published").iterdir() if path.is_dir())


# Below the bound by .2 points: the recipe is older than worlds 3 and 4, and no world is left out for its result.
SHORT = {"w3_int": 0.54}


@pytest.mark.parametrize("world", WORLDS)
def test_the_published_worlds_are_instruments(world):
    found = cells()
    source, (small, *_, large) = f"w{world}_src", MODELS

    assert all(accuracy(found[large, token])[1] >= SHORT.get(token, 0.55) for token in plentiful(world))
    assert scarcity(found, large, world) >= 0.05
    assert accuracy(found[large, source])[0] - accuracy(found[small, source])[0] >= 0.10


@pytest.mark.parametrize("path", [*DOCUMENTS, *PUBLISHED_PAGES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_option_the_readme_names_exists():
    options = set(re.findall(r"(?<!-)(--[a-z][a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    known = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "fixtures" / "options.py").read_text(encoding="utf-8")))
    axes = {f"--{axis}" for axis in ("models", "intermediates", "targets", "languages", "seeds")}

    assert options - known - axes - {"--group", "--help", "--format"} == set()
