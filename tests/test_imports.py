"""Imports run one way along the flow, and only the work itself wakes torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = {"errors", "canonical", "small_files", "stream", "strict_json"}
BASE = LEAVES | {"condition", "predictions"}

# What each part may import of bench; a part may always import itself.
ALLOWED = {
    "store": LEAVES,
    "data": BASE,
    "calibration": BASE,
    "statistics": BASE | {"calibration"},
    "invariants": BASE | {"calibration", "statistics"},
    "scores": BASE | {"calibration", "statistics"},
    "scoring": BASE | {"calibration", "statistics", "scores"},
    "modeling": BASE | {"data", "scores", "calibration"},
    "training": BASE | {"data", "modeling", "scores"},
    "catalog": BASE | {"data", "training", "modeling"},
    "grids": BASE | {"catalog", "data"},
    "plan": BASE | {"catalog"},
    "rows": BASE,
    "gate": BASE | {"rows", "plan", "catalog", "calibration", "statistics", "report"},
    "report": BASE | {"catalog", "data", "rows", "calibration", "statistics"},
    "stored_rows": BASE | {"rows"},
    "export": BASE | {"catalog", "data", "rows", "stored_rows", "report"},
    "pretraining": BASE | {"data", "modeling", "training", "catalog"},
}


def imported(path: Path) -> set[str]:
    """Return the dotted names a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "bench").parts[0].removesuffix(".py")


MODULES = sorted((ROOT / "bench").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_comes_before_it(path):
    part = part_of(path)
    parts = {name.split(".")[1] for name in imported(path) if name.startswith("bench.")}

    assert parts <= ALLOWED.get(part, parts) | {part}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_instrument_knows_nothing_of_pytest(path):
    tops = {name.split(".")[0] for name in imported(path)}

    assert not tops & {"pytest", "_pytest", "fixtures", "suites", "tests", "reports"}


def test_every_part_with_a_rule_is_there():
    assert set(ALLOWED) <= {part_of(path) for path in MODULES}


LIGHT = [path for path in MODULES if part_of(path) not in {"modeling", "training", "pretraining", "assets"}]


def test_no_module_outside_modeling_and_training_wakes_torch_when_imported():
    names = [
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for path in LIGHT
    ]
    code = (
        f"import importlib, sys\nfor name in {[name for name in names if not name.endswith('__main__')]}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = [top for top in ('torch', 'transformers', 'datasets') if top in sys.modules]\n"
        "    assert not heavy, (name, heavy)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)

    assert result.returncode == 0, result.stderr


def test_a_start_wakes_nothing_that_a_run_from_the_store_does_not_need():
    code = (
        "import importlib, sys, conftest\n"
        "for name in conftest.pytest_plugins[1:]:\n"
        "    importlib.import_module(name)\n"
        "slow = ('torch', 'transformers', 'datasets', 'pyarrow', 'sklearn', 'scipy.stats', 'pandas', 'matplotlib')\n"
        "found = [each for each in slow if each in sys.modules]\n"
        "assert not found, found\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)

    assert result.returncode == 0, result.stderr
