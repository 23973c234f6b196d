"""Grids, selections, and the catalog they are made of."""

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.catalog import tasks
from bench.catalog.languages import language, real_languages, source_of, world_of
from bench.catalog.models import MODELS, model
from bench.catalog.protocols import PROTOCOLS, protocol
from bench.condition import Condition
from bench.errors import BadInput
from bench.grids import Selection, conditions, left_out
from bench.study import Study


def test_smoke_is_every_smoke_model_by_three_intermediates_by_two_seeds():
    found = conditions(Selection(models=("xlmr_large",)))

    assert len(found) == 3 * 15 * 2
    assert {one.intermediate for one in found} == {"none", "snli", "more"}
    assert {one.seed for one in found} == {0, 1}
    assert {one.target for one in found} == {"xnli"}


def test_smoke_has_two_pocket_models_in_one_world():
    found = {(one.model, world_of(one.language)) for one in conditions(Selection()) if one.model.startswith("pocket")}

    assert found == {("pocket_s", 0), ("pocket_m", 0)}


def test_paper_is_eleven_intermediates_by_nine_targets_by_three_seeds():
    found = conditions(Selection(grid="paper", models=("xlmr_large",)))
    trained = sum(len(task.languages) for task in tasks.TARGETS if task.trains)
    read = sum(len(task.languages) for task in tasks.TARGETS if not task.trains)

    assert len({one.intermediate for one in found}) == 11
    assert len({one.target for one in found}) == 9
    # Retrieval trains nothing: without an intermediate task there is one encoder whatever the seed.
    assert len(found) == 11 * trained * 3 + (10 * 3 + 1) * read


def test_xtreme_language_tables_have_the_published_lengths():
    # facts: XTREME's task table (Hu et al. 2020, Table 1)
    expected = {
        "xnli": 15,
        "pawsx": 7,
        "udpos": 33,
        "panx": 40,
        "xquad": 11,
        "mlqa": 7,
        "tydiqa": 9,
        "bucc": 4,
        "tatoeba": 36,
    }

    assert {task.token: len(task.languages) for task in tasks.TARGETS} == expected


def test_the_order_puts_each_checkpoint_together_with_its_source_first():
    found = conditions(Selection(models=("mbert",), languages=("sw", "en", "tr")))
    runs = [(one.intermediate, one.seed) for one in found]

    assert runs == sorted(runs, key=runs.index)
    assert [one.language for one in found][:3] == ["en", "sw", "tr"]


def test_models_come_cheapest_first():
    order = list(dict.fromkeys(one.model for one in conditions(Selection())))
    sizes = [model(token).parameters for token in order]

    assert sizes == sorted(sizes)


def test_ids_are_unique():
    found = [one.id for one in conditions(Selection(grid="paper", worlds=(0, 1)))]

    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(grid="big"), "Got grid='big', but the grids are smoke, paper, full."),
        (
            Selection(models=("xlmr",)),
            "Got model='xlmr', which is not in the catalog; use one of pocket_xs.*--model xlmr=DIR",
        ),
        (Selection(targets=("nli",)), "Got target='nli', which is not in the catalog; use one of xnli"),
        (Selection(intermediates=("boolq",)), "Got intermediate='boolq', which is not in the catalog; use one of none"),
        (Selection(languages=("xx",)), "Got language='xx', which is not in the catalog; use one of en, ar"),
        (Selection(languages=("w0_xx",)), "Got language='w0_xx', which world 0 does not have; use one of w0_src"),
        (
            Selection(models=("mbert",), languages=("w0_src",)),
            "selects no condition; a language must belong to the model's",
        ),
    ],
)
def test_bad_tokens_and_empty_selections_say_what_there_is(selection, message):
    with pytest.raises(BadInput, match=message):
        conditions(selection)


def test_making_conditions_wakes_no_heavy_library():
    code = (
        "import sys; from bench.grids import Selection, conditions; conditions(Selection()); "
        "print([name for name in ('torch', 'transformers', 'datasets', 'pyarrow', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


class TestCatalog:
    def test_parameters_of_published_shapes(self):
        """XLM-R paper, Table 7: 270 M and 550 M; MiniLM README: 21 M of transformer layers, 96 M of embeddings."""
        assert model("xlmr_base").parameters / 1e6 == pytest.approx(270, rel=0.05)
        assert model("xlmr_large").parameters / 1e6 == pytest.approx(550, rel=0.05)
        assert model("mminilm").body_parameters / 1e6 == pytest.approx(21, rel=0.03)
        assert model("mminilm").embedding_parameters / 1e6 == pytest.approx(96, rel=0.03)

    def test_truncations_are_shallower_and_say_of_what(self):
        for spec in MODELS:
            if spec.truncated_from:
                whole = model(spec.truncated_from)
                assert spec.layers < whole.layers
                assert (spec.hidden, spec.hub_id) == (whole.hidden, whole.hub_id)

    def test_tokens_are_unique(self):
        for table in (MODELS, PROTOCOLS, tasks.TARGETS, tasks.INTERMEDIATES):
            tokens = [row.token for row in table]
            assert len(tokens) == len(set(tokens))

    def test_every_model_names_a_protocol_there_is(self):
        assert {protocol(spec.protocol).token for spec in MODELS} <= {one.token for one in PROTOCOLS}

    def test_revisions_are_full_hashes_or_left_open(self):
        assert all(len(spec.revision) in (0, 40) for spec in MODELS)

    def test_groups_are_those_of_the_analysis_plan(self):
        groups = {}
        for token, row in real_languages().items():
            groups.setdefault(row.group, set()).add(token)

        assert groups["rich"] == {"tr", "sw", "ar", "ru", "bg", "el"}
        assert groups["poor"] == {"vi", "th", "zh"}
        assert groups["between"] == {"de", "es", "fr", "hi", "ur"}
        assert groups["source"] == {"en"}
        assert groups.keys() == {"source", "rich", "between", "poor", "other"}

    def test_every_language_of_every_target_is_in_the_table_and_no_other(self):
        assert set(real_languages()) == {token for task in tasks.TARGETS for token in task.languages}

    def test_the_languages_of_the_analysis_are_those_of_xnli(self):
        analysed = {token for token, row in real_languages().items() if row.group != "other"}

        assert analysed == set(tasks.target("xnli").languages)

    def test_every_language_has_a_name_a_family_and_a_script(self):
        for row in real_languages().values():
            assert all((row.name, row.family, len(row.script) == 4))

    def test_languages_outside_the_analysis_have_no_measurements(self):
        row = real_languages()["ja"]

        assert (row.script, row.type, row.group) == ("Jpan", "agglutinative", "other")
        assert (row.c_wals, row.paradigm_treebank, row.cc100_gib) == (None, "", None)
        assert language("ja").group == "other"

    def test_missing_measurements_are_missing(self):
        assert real_languages()["sw"].paradigm_size is None
        assert real_languages()["bg"].wals_22a is None
        assert real_languages()["tr"].c_wals == 0.775

    def test_a_language_knows_its_world_and_source(self):
        assert (world_of("sw"), source_of(None)) == (None, "en")
        assert (world_of("w12_agg"), source_of(12)) == (12, "w12_src")
        assert language("w0_agg").group == "rich"
        assert language("w0_iso").group == "poor"
        assert language("w0_idn").group == "control"
        assert language("w0_agg_lo").scarce

    def test_unknown_protocol_says_which_there_are(self):
        with pytest.raises(BadInput, match="Got protocol='mine', but the presets are pocket, frugal, phang2020"):
            protocol("mine")

    def test_a_preset_that_changes_is_another_study(self):
        preset = protocol("phang2020")
        changed = replace(preset, target=replace(preset.target, learning_rate=2e-5))

        assert changed.settings != preset.settings
        assert Study("phang2020", changed.settings).digest != Study("phang2020", preset.settings).digest


@pytest.mark.parametrize(
    ("asked", "apart"),
    [
        ({}, set()),
        ({"seeds": (0,)}, {"pocket_s-none-xnli-w0_agg-s1", "pocket_s-none-xnli-w0_agg-s7"}),
        ({"models": ("pocket_m",)}, {"pocket_s-none-xnli-w0_agg-s0", "pocket_s-none-xnli-w0_agg-s1"}),
        (
            {"intermediates": ("snli",), "languages": ("w0_src",)},
            {"pocket_s-none-xnli-w0_agg-s0", "pocket_s-none-xnli-w0_agg-s1"},
        ),
        ({"targets": ("panx",)}, {"pocket_s-none-xnli-w0_agg-s0", "pocket_s-none-xnli-w0_agg-s1"}),
    ],
)
def test_what_the_user_s_own_axes_leave_out(asked, apart):
    ids = [f"pocket_s-none-xnli-w0_agg-s{seed}" for seed in (0, 1, 7)]
    # No catalog knows these, whatever was asked for.
    ids += ["gone-none-xnli-w0_agg-s0", "pocket_s-none-xnli-w0_gone-s0", "pocket_s-none-xnli-w5_agg-s0"]
    wanted = [Condition.from_id(each) for each in ids]

    assert {each.id for each in left_out(Selection(**asked), wanted)} == apart
