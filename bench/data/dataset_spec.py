"""Which published data sets are read, where their files lie, and what a row of them must look like."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.example import MINING, MULTIPLE_CHOICE, RETRIEVAL, SENTENCE_PAIR, SPAN, TAGGING
from bench.errors import BadInput

NLI_LABELS = ("entailment", "neutral", "contradiction")

_XNLI_LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
_PANX_LANGUAGES = (
    "af", "ar", "bg", "bn", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "jv", "ka", "kk", "ko", "ml", "mr", "ms", "my", "nl", "pt", "ru", "sw", "ta", "te", "th", "tl", "tr", "ur", "vi",
    "yo", "zh",
)  # fmt: skip

# What the data sets call the languages that are tokens here.
_UD_NAMES = (
    ("af", "Afrikaans"), ("ar", "Arabic"), ("bg", "Bulgarian"), ("de", "German"), ("el", "Greek"), ("en", "English"),
    ("es", "Spanish"), ("et", "Estonian"), ("eu", "Basque"), ("fa", "Persian"), ("fi", "Finnish"), ("fr", "French"),
    ("he", "Hebrew"), ("hi", "Hindi"), ("hu", "Hungarian"), ("id", "Indonesian"), ("it", "Italian"),
    ("ja", "Japanese"), ("kk", "Kazakh"), ("ko", "Korean"), ("mr", "Marathi"), ("nl", "Dutch"), ("pt", "Portuguese"),
    ("ru", "Russian"), ("ta", "Tamil"), ("te", "Telugu"), ("th", "Thai"), ("tl", "Tagalog"), ("tr", "Turkish"),
    ("ur", "Urdu"), ("vi", "Vietnamese"), ("yo", "Yoruba"), ("zh", "Chinese"),
)  # fmt: skip
_TATOEBA_NAMES = (
    ("af", "afr"), ("ar", "ara"), ("bg", "bul"), ("bn", "ben"), ("de", "deu"), ("el", "ell"), ("es", "spa"),
    ("et", "est"), ("eu", "eus"), ("fa", "pes"), ("fi", "fin"), ("fr", "fra"), ("he", "heb"), ("hi", "hin"),
    ("hu", "hun"), ("id", "ind"), ("it", "ita"), ("ja", "jpn"), ("jv", "jav"), ("ka", "kat"), ("kk", "kaz"),
    ("ko", "kor"), ("ml", "mal"), ("mr", "mar"), ("nl", "nld"), ("pt", "por"), ("ru", "rus"), ("sw", "swh"),
    ("ta", "tam"), ("te", "tel"), ("th", "tha"), ("tl", "tgl"), ("tr", "tur"), ("ur", "urd"), ("vi", "vie"),
    ("zh", "cmn"),
)  # fmt: skip
_TYDIQA_NAMES = (
    ("ar", "arabic"), ("bn", "bengali"), ("en", "english"), ("fi", "finnish"), ("id", "indonesian"), ("ko", "korean"),
    ("ru", "russian"), ("sw", "swahili"), ("te", "telugu"),
)  # fmt: skip


@dataclass(frozen=True)
class DatasetSpec:
    """One configuration of a data set: on the hub, in a mirror, or in a user's directory.

    `config` may hold "{language}", for which `codes` give the data set's own name of our language token; `splits` are
    (published name, published number of rows, None where it is not known for sure or differs between languages);
    `ours` are (our split, published name) where the two differ; `columns` are (name, kind) with kind "string",
    "integer", "list<kind>" or "struct<name: kind, ...>"; `labels` stand in the file's own order, so that label i of the
    file is labels[i], and `label_column` holds them; `no_gold` is the value that marks a row without a gold label,
    None where there is none; `triples` names the splits in which each three rows share one premise; `unanswerable`
    says that a question may have no answer; `revision` is a full commit hash, or "" where none is known for sure;
    `hub_files` is where the hub keeps what a mirror has as <config>/<split>; `provide` says how a user provides what no
    hub holds, "" for what one does.
    """

    name: str
    repo: str
    config: str
    languages: tuple[str, ...]
    splits: tuple[tuple[str, int | None], ...]
    columns: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    license: str
    kind: str = SENTENCE_PAIR
    revision: str = ""
    no_gold: int | str | None = None
    triples: tuple[str, ...] = ()
    ours: tuple[tuple[str, str], ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    label_column: str = "label"
    unanswerable: bool = False
    hub_files: str = "{config}/{split}"
    provide: str = ""

    def code_of(self, language: str) -> str:
        """Return what the data set calls `language`; raises BadInput for a language it does not have."""
        if language not in self.languages:
            raise BadInput(f"Got language={language!r}, but {self.repo} has: {' '.join(self.languages)}.")
        return dict(self.codes).get(language, language)

    def config_for(self, language: str) -> str:
        """Return the folder of `language`; raises BadInput for a language the data set does not have."""
        return self.config.format(language=self.code_of(language))

    def published_split(self, split: str) -> str:
        """Return the published split that our `split` is read from; raises BadInput for one there is no source of."""
        names = dict(self.ours) or {name: name for name, _ in self.splits}
        if split not in names:
            raise BadInput(f"Got split={split!r}, but {self.repo} has: {' '.join(names)}.")
        return names[split]

    def published_rows(self, published: str) -> int | None:
        """Return the number of rows of a published split; raises BadInput for one the data set does not have."""
        rows = dict(self.splits)
        if published not in rows:
            raise BadInput(f"Got split={published!r}, but {self.repo} has: {' '.join(rows)}.")
        return rows[published]

    def mirror_file(self, language: str, published: str) -> str:
        """Return the path of a published split inside a mirror."""
        return f"datasets/{self.repo}/{self.config_for(language)}/{published}.parquet"

    def hub_stem(self, language: str, published: str) -> str:
        """Return the path of a published split on the hub, without ".parquet" or "-00000-of-00001.parquet"."""
        return self.hub_files.format(config=self.config_for(language), split=published)


_PAIR = (("premise", "string"), ("hypothesis", "string"), ("label", "integer"))
_ANSWERS = ("answers", "struct<text: list<string>, answer_start: list<integer>>")
_QUESTION = (("id", "string"), ("context", "string"), ("question", "string"), _ANSWERS)
_UD_LABELS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
)  # fmt: skip
_UD_COLUMNS = (("tokens", "list<string>"), ("pos_tags", "list<integer>"))
_BUCC = (
    "put the corpora of the BUCC 2018 shared task (comparable.limsi.fr/bucc2018) into a mirror as "
    "datasets/bucc2018/<language>-en/{source,target,gold}.parquet (docs/data.md)"
)
_CCG = (
    "CCGbank is licensed (LDC2005T13): put it into a mirror as datasets/ccgbank/ccg/{train,validation}.parquet with "
    "the columns tokens and supertags, both list<string> (docs/data.md)"
)
# The commit of "Convert dataset to Parquet" that adds the last of its configurations:
# huggingface.co/datasets/google/xtreme/commits/68bd9e06...
_XTREME = "68bd9e06bf4bbe671073c975ccd61d754e1bd3d6"
_GLUE = "a3f3ab759b9d7018046ce361f115ef38276d2e1e"

# Revisions and row counts of xnli, mnli and snli were read on the hub's own pages of these commits ("Convert dataset
# to Parquet"): huggingface.co/datasets/{xnli/commit/b8dd5d7..., nyu-mll/glue/tree/a3f3ab7...,
# stanfordnlp/snli/commit/cdb5c3d...}. The others' revisions are those at which public programs name the very parquet
# files that are read here (resolve/<revision>/<file>, or a pinned repository, revision and file); cosmos_qa's is the
# hub's own conversion of a repository that holds a loading script. Empty: none is known for sure.
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
        splits=(("train", 392_702), ("validation_matched", 9_815)),
        ours=(("train", "train"), ("validation", "validation_matched")),
        columns=(*_PAIR, ("idx", "integer")),
        labels=NLI_LABELS,
        license="OANC and others, see the data set card",
        revision=_GLUE,
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
    DatasetSpec(
        name="anli",
        repo="facebook/anli",
        config="plain_text",
        languages=("en",),
        splits=(
            ("train_r1", 16_946), ("train_r2", 45_460), ("train_r3", 100_459),
            ("dev_r1", 1_000), ("dev_r2", 1_000), ("dev_r3", 1_200),
            ("test_r1", 1_000), ("test_r2", 1_000), ("test_r3", 1_200),
        ),
        columns=(("uid", "string"), *_PAIR, ("reason", "string")),
        labels=NLI_LABELS,
        license="CC BY-NC 4.0",
        revision="8e4813d81f46d313dac7892e1c28076917cfcdf9",
    ),
    DatasetSpec(
        name="qqp",
        repo="nyu-mll/glue",
        config="qqp",
        languages=("en",),
        splits=(("train", 363_846), ("validation", 40_430)),
        columns=(("question1", "string"), ("question2", "string"), ("label", "integer"), ("idx", "integer")),
        labels=("not_duplicate", "duplicate"),
        license="Quora's terms of service",
        revision=_GLUE,
        no_gold=-1,
    ),
    DatasetSpec(
        name="pawsx",
        repo="google-research-datasets/paws-x",
        config="{language}",
        languages=("en", "de", "es", "fr", "ja", "ko", "zh"),
        splits=(("train", 49_401), ("validation", 2_000), ("test", 2_000)),
        columns=(("id", "integer"), ("sentence1", "string"), ("sentence2", "string"), ("label", "integer")),
        labels=("0", "1"),
        license="free use (Google)",
        revision="4cd8187c404bda33cb1f62b49b001115862acf37",
    ),
    DatasetSpec(
        name="hellaswag",
        repo="Rowan/hellaswag",
        config="default",
        languages=("en",),
        splits=(("train", 39_905), ("validation", 10_042)),
        columns=(("ctx", "string"), ("endings", "list<string>"), ("label", "string")),
        labels=("0", "1", "2", "3"),
        license="MIT",
        kind=MULTIPLE_CHOICE,
        revision="218ec52e09a7e7462a5400043bb9a69a41d06b76",
        no_gold="",
        hub_files="data/{split}",
    ),
    DatasetSpec(
        name="cosmosqa",
        repo="allenai/cosmos_qa",
        config="default",
        languages=("en",),
        splits=(("train", 25_262), ("validation", 2_985)),
        columns=(
            ("id", "string"), ("context", "string"), ("question", "string"), ("answer0", "string"),
            ("answer1", "string"), ("answer2", "string"), ("answer3", "string"), ("label", "integer"),
        ),
        labels=("0", "1", "2", "3"),
        license="CC BY 4.0",
        kind=MULTIPLE_CHOICE,
        revision="ed50fe83db62b355759053b1cd5eef344ee371e0",
        no_gold=-1,
        hub_files="{config}/{split}/0000",
    ),
    DatasetSpec(
        name="csqa",
        repo="tau/commonsense_qa",
        config="default",
        languages=("en",),
        splits=(("train", 9_741), ("validation", 1_221)),
        columns=(
            ("id", "string"), ("question", "string"), ("choices", "struct<label: list<string>, text: list<string>>"),
            ("answerKey", "string"),
        ),
        labels=("A", "B", "C", "D", "E"),
        license="MIT",
        kind=MULTIPLE_CHOICE,
        revision="94630fe30dad47192a8546eb75f094926d47e155",
        no_gold="",
        label_column="answerKey",
        hub_files="data/{split}",
    ),
    DatasetSpec(
        name="udpos",
        repo="google/xtreme",
        config="udpos.{language}",
        languages=tuple(token for token, _ in _UD_NAMES),
        splits=(("train", None), ("validation", None), ("test", None)),
        columns=_UD_COLUMNS,
        labels=_UD_LABELS,
        license="the treebanks' own, see the data set card",
        kind=TAGGING,
        revision=_XTREME,
        codes=_UD_NAMES,
        label_column="pos_tags",
    ),
    DatasetSpec(
        name="udpos_sw",
        repo="masakhane/masakhapos",
        config="{language}",
        languages=("sw",),
        splits=(("test", None),),
        columns=_UD_COLUMNS,
        labels=_UD_LABELS,
        license="CC BY-NC 4.0",
        kind=TAGGING,
        codes=(("sw", "swa"),),
        label_column="pos_tags",
        provide=(
            "XTREME's POS task lacks Swahili: put MasakhaPOS's test sentences into a mirror as "
            "datasets/masakhane/masakhapos/swa/test.parquet with the columns of google/xtreme udpos (docs/data.md)"
        ),
    ),
    DatasetSpec(
        name="panx",
        repo="google/xtreme",
        config="PAN-X.{language}",
        languages=_PANX_LANGUAGES,
        splits=(("train", None), ("validation", None), ("test", None)),
        columns=(("tokens", "list<string>"), ("ner_tags", "list<integer>"), ("langs", "list<string>")),
        labels=("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"),
        license="ODC-BY",
        kind=TAGGING,
        revision=_XTREME,
        label_column="ner_tags",
    ),
    DatasetSpec(
        name="ccg",
        repo="ccgbank",
        config="ccg",
        languages=("en",),
        splits=(("train", None), ("validation", None)),
        columns=(("tokens", "list<string>"), ("supertags", "list<string>")),
        labels=(),
        license="LDC user agreement",
        kind=TAGGING,
        label_column="supertags",
        provide=_CCG,
    ),
    DatasetSpec(
        name="squad_v1",
        repo="rajpurkar/squad",
        config="plain_text",
        languages=("en",),
        splits=(("train", 87_599), ("validation", 10_570)),
        columns=_QUESTION,
        labels=(),
        license="CC BY-SA 4.0",
        kind=SPAN,
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
    ),
    DatasetSpec(
        name="squad_v2",
        repo="rajpurkar/squad_v2",
        config="squad_v2",
        languages=("en",),
        splits=(("train", 130_319), ("validation", 11_873)),
        columns=_QUESTION,
        labels=(),
        license="CC BY-SA 4.0",
        kind=SPAN,
        revision="3ffb306f725f7d2ce8394bc1873b24868140c412",
        unanswerable=True,
    ),
    DatasetSpec(
        name="xquad",
        repo="google/xquad",
        config="xquad.{language}",
        languages=("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh"),
        splits=(("validation", 1_190),),
        ours=(("test", "validation"),),
        columns=_QUESTION,
        labels=(),
        license="CC BY-SA 4.0",
        kind=SPAN,
        revision="51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
    ),
    DatasetSpec(
        name="mlqa",
        repo="facebook/mlqa",
        config="mlqa.{language}.{language}",
        languages=("en", "ar", "de", "es", "hi", "vi", "zh"),
        splits=(("validation", None), ("test", None)),
        ours=(("test", "test"),),
        columns=_QUESTION,
        labels=(),
        license="CC BY-SA 3.0",
        kind=SPAN,
    ),
    DatasetSpec(
        name="tydiqa",
        repo="google-research-datasets/tydiqa",
        config="secondary_task",
        languages=tuple(token for token, _ in _TYDIQA_NAMES),
        # The train split's 49,881 rows are those of nine languages, and a source of the English ones alone lacks none.
        splits=(("train", None), ("validation", 5_077)),
        ours=(("train", "train"), ("validation", "train"), ("test", "validation")),
        columns=_QUESTION,
        labels=(),
        license="Apache-2.0",
        kind=SPAN,
        revision="da78f23f9119363459acbaf46bf89426ff26c259",
        codes=_TYDIQA_NAMES,
    ),
    DatasetSpec(
        name="tatoeba",
        repo="google/xtreme",
        config="tatoeba.{language}",
        languages=tuple(token for token, _ in _TATOEBA_NAMES),
        splits=(("validation", None),),
        ours=(("test", "validation"),),
        columns=(
            ("source_sentence", "string"), ("target_sentence", "string"), ("source_lang", "string"),
            ("target_lang", "string"),
        ),
        labels=(),
        license="CC BY 2.0 FR",
        kind=RETRIEVAL,
        revision=_XTREME,
        codes=_TATOEBA_NAMES,
    ),
    DatasetSpec(
        name="bucc",
        repo="bucc2018",
        config="{language}-en",
        languages=("de", "fr", "ru", "zh"),
        splits=(("source", None), ("target", None)),
        columns=(("id", "string"), ("text", "string")),
        labels=(),
        license="the shared task's terms",
        kind=MINING,
        provide=_BUCC,
    ),
    DatasetSpec(
        name="bucc_gold",
        repo="bucc2018",
        config="{language}-en",
        languages=("de", "fr", "ru", "zh"),
        splits=(("gold", None),),
        columns=(("source_id", "string"), ("target_id", "string")),
        labels=(),
        license="the shared task's terms",
        kind=MINING,
        provide=_BUCC,
    ),
)  # fmt: skip
DATASETS = {spec.name: spec for spec in _SPECS}


def dataset_spec(name: str) -> DatasetSpec:
    """Return the specification called `name`; raises BadInput for an unknown one."""
    if name not in DATASETS:
        raise BadInput(f"Got data set {name!r}, but the data sets read here are: {' '.join(DATASETS)}.")
    return DATASETS[name]
