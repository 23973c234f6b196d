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
# What is made in the artificial worlds for each task (docs/worlds.md).
ARTIFICIAL = {
    "xnli": "three hypotheses to a premise, one aimed at each label",
    "mnli": "three hypotheses to a premise, one aimed at each label; trains on xnli's",
    "snli": "three hypotheses to a premise, one aimed at each label; another genre",
    "anli": "snli, mnli and three small rounds that differ in grammar",
    "qqp": "paraphrase or not; a word replaced by one of its kind, by another class, or grammar changed alone",
    "pawsx": "paraphrase or not; a word replaced by one of its kind, by another class, or grammar changed alone",
    "hellaswag": "one continuation follows, three contradict",
    "cosmosqa": "one retelling of the first of two sentences, three with two other words",
    "csqa": "one case of a general sentence, four of other classes",
    "udpos": "nine parts of speech; free markers are words with tags",
    "panx": "leaves of some classes are names; phrases with attribute and number marker are entities",
    "ccg": "18 categories from role, word order and free markers",
    "squad_v1": "two sentences; the question says one again with the asked slot as a class",
    "squad_v2": "as squad_v1, about a third unanswerable",
    "xquad": "test sets of such questions, two genres; training and validation are squad_v1's",
    "mlqa": "test sets of such questions, two genres; training and validation are squad_v1's",
    "tydiqa": "the second genre, nothing optional in the question, verbs asked for",
    "tatoeba": "400 sentences in families that differ in one slot, pivot the source",
    "bucc": "two corpora of 600 and 800 sentences, 15 % paired",
}


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
