"""The table in docs/data.md is made of the specifications: `python -m tests.data_table` writes it again."""

from pathlib import Path

from tabulate import tabulate

from bench.data.dataset_spec import DATASETS
from bench.data.real import TASKS, TRAINED_ON
from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
MARKS = "<!-- tasks: python -m tests.data_table -->\n", "<!-- end of tasks -->\n"
HEADERS = ["task", "kind", "repository", "configuration", "splits", "licence", "revision", "artificial counterpart"]
# The splits that are made of several files.
MADE = {"anli": "train, validation", "bucc": "validation, test (halves)"}
# What the same task is in the artificial worlds.
ARTIFICIAL = dict.fromkeys(TASKS, "")


def splits(task):
    """Return our splits of a task, with the published one each is read from where the names differ."""
    if task in MADE:
        return MADE[task]
    spec = DATASETS[task]
    names = spec.ours or [(published, published) for published, _ in spec.splits]
    found = [own if own == published else f"{own} ({published})" for own, published in names]
    lent = [f"train and validation of {TRAINED_ON[task]}"] if task in TRAINED_ON else []
    return ", ".join(found + lent)


def line(task):
    """Return the cells of a task."""
    spec = DATASETS[task]
    repository = f"`{spec.repo}`" if not spec.provide else f"none; `{spec.repo}` in a mirror"
    revision = f"`{spec.revision[:7]}`" if spec.revision else ""
    artificial = ARTIFICIAL[task]
    return [f"`{task}`", spec.kind, repository, f"`{spec.config}`", splits(task), spec.license, revision, artificial]


def table():
    """Return the Markdown table of the tasks."""
    return tabulate([line(task) for task in TASKS], HEADERS, tablefmt="pipe", disable_numparse=True) + "\n"


def with_table(page):
    """Return `page` with the table between its marks."""
    return with_part(page, *MARKS, table())


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
