"""Which published data sets are read, where their files lie, and what a row of them must look like."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import BadInput

NLI_LABELS = ("entailment", "neutral", "contradiction")

_XNLI_LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")


@dataclass(frozen=True)
class DatasetSpec:
    """One configuration of a data set on the hub.

    `config` may hold "{language}"; `splits` are (name, published number of rows); `columns` are (name, kind) with kind
    "string" or "integer"; `labels` stand in the file's own order, so that label i of the file is labels[i]; `no_gold`
    is the value that marks a row without a gold label, None where there is none; `triples` names the splits in which
    each three rows share one premise; `revision` is a full commit hash, or "" where none is known for sure.
    """

    name: str
    repo: str
    config: str
    languages: tuple[str, ...]
    splits: tuple[tuple[str, int], ...]
    columns: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    license: str
    revision: str = ""
    no_gold: int | None = None
    triples: tuple[str, ...] = ()

    def config_for(self, language: str) -> str:
        """Return the folder of `language`; raises BadInput for a language the data set does not have."""
        if language not in self.languages:
            raise BadInput(f"Got language={language!r}, but {self.repo} has: {' '.join(self.languages)}.")
        return self.config.format(language=language)

    def published_rows(self, split: str) -> int:
        """Return the number of rows of `split` as published; raises BadInput for a split the data set does not have."""
        rows = dict(self.splits)
        if split not in rows:
            raise BadInput(f"Got split={split!r}, but {self.repo} has: {' '.join(rows)}.")
        return rows[split]


_PAIR = (("premise", "string"), ("hypothesis", "string"), ("label", "integer"))

# Revisions and row counts were read on the hub's own pages of these commits ("Convert dataset to Parquet"):
# huggingface.co/datasets/{xnli/commit/b8dd5d7..., nyu-mll/glue/tree/a3f3ab7..., stanfordnlp/snli/commit/cdb5c3d...}.
_SPECS = (
    DatasetSpec(
        name="xnli",
        repo="facebook/xnli",
        config="{language}",
        languages=_XNLI_LANGUAGES,
        splits=(("train", 392_702), ("validation", 2_490), ("test", 5_010)),
        columns=_PAIR,
        labels=NLI_LABELS,
        license="CC BY-NC 4.0",
        revision="b8dd5d7af51114dbda02c0e3f6133f332186418e",
        triples=("validation", "test"),
    ),
    DatasetSpec(
        name="mnli",
        repo="nyu-mll/glue",
        config="mnli",
        languages=("en",),
        splits=(("train", 392_702),),
        columns=(*_PAIR, ("idx", "integer")),
        labels=NLI_LABELS,
        license="OANC and others, see the data set card",
        revision="a3f3ab759b9d7018046ce361f115ef38276d2e1e",
    ),
    DatasetSpec(
        name="snli",
        repo="stanfordnlp/snli",
        config="plain_text",
        languages=("en",),
        splits=(("train", 550_152), ("validation", 10_000), ("test", 10_000)),
        columns=_PAIR,
        labels=NLI_LABELS,
        license="CC BY-SA 4.0",
        revision="cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
        no_gold=-1,
    ),
)


def dataset_spec(name: str) -> DatasetSpec:
    """Return the specification called `name`; raises BadInput for an unknown one."""
    specs = {spec.name: spec for spec in _SPECS}
    if name not in specs:
        raise BadInput(f"Got data set {name!r}, but the data sets read here are: {' '.join(specs)}.")
    return specs[name]
