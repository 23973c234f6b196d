"""Metadata for a model card on the Hugging Face hub: what a trained model scored, language by language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.catalog import tasks
from bench.catalog.models import MODELS
from bench.data.dataset_spec import DATASETS, dataset_spec
from bench.data.example import MINING, RETRIEVAL, SENTENCE_PAIR, SPAN, TAGGING
from bench.errors import BadInput
from bench.report.by_language import language_rows, over_seeds
from bench.report.sections import REAL, Line, Section
from bench.rows import Row
from bench.small_files import replace_text

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

# What the hub calls a task of each kind.
_TASK_TYPES = {
    SENTENCE_PAIR: "text-classification",
    TAGGING: "token-classification",
    SPAN: "question-answering",
    RETRIEVAL: "sentence-similarity",
    MINING: "sentence-similarity",
}
_METRICS = {
    "accuracy": "Accuracy of what is calibrated",
    "confidence": "Mean confidence",
    "gap": "Mean confidence minus accuracy",
    "ece15": "Expected calibration error, 15 bins of equal width",
    "l2sq15": "Squared L2 calibration error, debiased, 15 bins",
    "nll": "Negative log likelihood",
    "brier": "Brier score",
}
_DIGITS = 6


def write_model_cards(sections: Iterable[Section], output: Path) -> list[Path]:
    """Write one card to `output` for every trained model in every section, and return their paths.

    Each is YAML between two lines of dashes, to stand at the top of a README.md on the hub. Numbers are means over
    seeds. Raises BadInput where there are no rows.
    """
    paths = []
    for section in sections:
        for line in section.lines:
            paths.append(output / f"{_name(section, line)}-{section.world}-{section.study[:12]}.md")
            replace_text(paths[-1], model_card(section, line))
    if not paths:
        raise BadInput("Got no rows to export; run some cases first, or name another results directory.")
    return paths


def model_card(section: Section, line: Line) -> str:
    """Return the metadata of one line as the front matter of a model card."""
    from huggingface_hub import ModelCardData

    hub_ids = {spec.token: spec.hub_id for spec in MODELS}
    present = [info.token for info in section.languages if language_rows(line, info.token)]
    data = ModelCardData(
        base_model=hub_ids.get(line.model) or None,
        language=present if section.world == REAL else None,
        model_name=_name(section, line),
        eval_results=[result for token in present for result in eval_results(section, line, token)],
        tags=["calibration", "cross-lingual-transfer", "crosscal"],
    )
    return f"---\n{data.to_yaml()}\n---\n"


def eval_results(section: Section, line: Line, language: str) -> Iterator[EvalResult]:
    """Yield the results of one language: the task's own score, then the metrics, as the model is and after scaling."""
    from huggingface_hub import EvalResult

    common = _common(section, line, language)
    for recalibration in ("none", section.after):
        rows = language_rows(line, language, recalibration)
        for kind, name, estimate in _measured(section, rows, recalibration):
            yield EvalResult(
                **common,
                metric_type=kind,
                metric_name=name if recalibration == "none" else f"{name}, after {recalibration}",
                metric_value=round(estimate.value, _DIGITS),
                metric_config=recalibration,
                metric_args=_bounds(estimate) or None,
            )


def _measured(section: Section, rows: list[Row], recalibration: str) -> Iterator[tuple[str, str, Any]]:
    if section.score and recalibration == "none":
        yield from _present(section.score, "What the task is judged by", over_seeds(rows, _score(section.score)))
    for kind, name in _METRICS.items():
        yield from _present(kind, name, over_seeds(rows, _metric(kind)))


def _present(kind: str, name: str, estimate: Any) -> Iterator[tuple[str, str, Any]]:
    if estimate is not None:
        yield kind, name, estimate


def _metric(name: str) -> Any:
    return lambda row: row.metric(name)


def _score(name: str) -> Any:
    return lambda row: row.task_score(name)


def _bounds(estimate: Any) -> dict[str, float]:
    stated = {name: getattr(estimate, name) for name in ("low", "high", "floor")}
    return {name: round(value, _DIGITS) for name, value in stated.items() if value is not None}


def _common(section: Section, line: Line, language: str) -> dict[str, Any]:
    rows = language_rows(line, language)
    task = tasks.target(section.target)
    return {
        "task_type": _TASK_TYPES[task.kind],
        "task_name": f"{section.target}, zero-shot" if task.trains else section.target,
        **_dataset(section, language),
        "dataset_split": section.split,
        "dataset_args": {
            "study": section.study,
            "protocol": section.protocol,
            "seeds": len(rows),
            "n": max((row.n for row in rows), default=0),
            "flags": sorted({flag for row in rows for flag in row.flags}),
        },
    }


def _dataset(section: Section, language: str) -> dict[str, Any]:
    title = f"{section.target} ({language})"
    if section.world != REAL:
        return {
            "dataset_type": "crosscal-artificial",
            "dataset_name": f"{title}, artificial world {section.world}",
            "dataset_config": f"{section.target}-{language}",
        }
    spec = dataset_spec(section.target) if section.target in DATASETS else None
    if spec is None or language not in spec.languages:
        return {"dataset_type": section.target, "dataset_name": title, "dataset_config": language}
    return {
        "dataset_type": spec.repo,
        "dataset_name": title,
        "dataset_config": spec.config_for(language),
        "dataset_revision": spec.revision or None,
    }


def _name(section: Section, line: Line) -> str:
    return "-".join(filter(None, (line.model, line.intermediate, section.target, line.variant)))
