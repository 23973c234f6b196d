"""The tables of docs/catalog.md: `python -m tests.catalog_table` writes them again."""

from pathlib import Path

from bench.catalog import tasks
from bench.catalog.models import MODELS
from bench.catalog.protocols import PROTOCOLS
from bench.catalog.variants import VARIANTS
from bench.grids import GRIDS
from bench.report.cells import parameters
from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"
BEGIN, END = "<!-- catalog: python -m tests.catalog_table -->\n", "<!-- end of catalog -->\n"


def with_tables(page: str) -> str:
    """Return `page` with the tables between its marks."""
    return with_part(page, BEGIN, END, "\n".join([_models(), _tasks(), _variants(), _protocols(), _grids()]))


def _table(title, headers, rows):
    lines = [headers, ["---"] * len(headers), *rows]
    return f"\n## {title}\n\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _models():
    rows = [
        [
            f"`{spec.token}`",
            parameters(spec.body_parameters),
            _origin(spec),
            spec.protocol,
            "yes" if spec.in_smoke else "",
        ]
        for spec in MODELS
    ]
    return _table("Models", ["model", "parameters outside the embeddings", "from", "protocol", "in `smoke`"], rows)


def _origin(spec):
    if spec.world == "real":
        cut = f", its first {spec.layers} layers" if spec.truncated_from else ""
        return f"`{spec.hub_id}`{cut}"
    return "ships with the project"


def _tasks():
    intermediates = [
        [f"`{task.token}`", task.kind, ", ".join(task.contaminated), "only when named" if task.extra else ""]
        for task in tasks.INTERMEDIATES
    ]
    targets = [[f"`{task.token}`", task.kind, " ".join(task.languages)] for task in tasks.TARGETS]
    return _table("Intermediate tasks", ["task", "kind", "holds data of", "in `paper`"], intermediates) + _table(
        "Target tasks", ["task", "kind", "languages"], targets
    )


def _variants():
    rows = [[f"`{each.token}`", each.title, each.source] for each in VARIANTS]
    return _table("Variants of training", ["variant", "what it is", "source"], rows)


def _protocols():
    rows = [[f"`{each.token}`", each.source] for each in PROTOCOLS]
    return _table("Protocols", ["protocol", "after"], rows)


def _grids():
    rows = [
        [f"`{grid.name}`", " ".join(grid.intermediates), " ".join(grid.targets), " ".join(map(str, grid.seeds))]
        for grid in GRIDS.values()
    ]
    return _table("Grids", ["grid", "intermediate tasks", "target tasks", "seeds"], rows)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
