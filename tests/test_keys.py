"""The keys of a training's artefacts: what each depends on, and what it does not."""

from dataclasses import replace
from functools import partial

import pytest

from bench.catalog.own_models import own_model
from bench.data.sources import Access
from bench.data.texts import texts_path
from bench.keys import Recipes
from bench.materials import Materials
from bench.plan import Training
from bench.study import Study
from bench.weights import locate
from tests.conftest import TINY
from tests.data_files import write_columns, write_mirror
from tests.nli_files import triples, write_nli

SNLI = "datasets/stanfordnlp/snli/plain_text"


@pytest.fixture
def extra(tmp_path):
    """A mirror with what variants read: SNLI in translations, and texts."""
    for language in ("de", "ru", "sw"):
        write_nli(tmp_path / SNLI / f"mt-{language}/train.parquet", triples(14, f"{language} "))
        write_columns(tmp_path / texts_path(language), {"text": [f"{language} {number}" for number in range(3)]})
    return tmp_path


@pytest.fixture
def recipes(extra, tiny_mirror):
    """Return a function that gives the recipes of a training of the tiny model, with everything it reads read anew."""

    def made(intermediate="none", target="xnli", variant="", study=None, **changes):
        access, study = Access((extra, tiny_mirror)), study or Study("frugal", "")
        spec = own_model(f"tiny={tiny_mirror / 'models' / TINY}")
        training = replace(Training("tiny", None, intermediate, target, 0, variant), **changes)
        return Recipes(training, spec, Materials(access, study), study, partial(locate, access=access))

    return made


class TestIntermediate:
    @pytest.mark.parametrize("variant", ["mlm", "mt"])
    def test_variants_of_the_intermediate_phase_have_encoders_of_their_own(self, recipes, variant):
        plain, varied = recipes("snli"), recipes("snli", variant=variant)

        assert plain.intermediate_key != varied.intermediate_key
        assert plain.checkpoint_key != varied.checkpoint_key

    @pytest.mark.parametrize("variant", ["ls10", "logitnorm", "aggregate"])
    def test_variants_of_the_target_phase_share_the_plain_encoder(self, recipes, variant):
        plain, varied = recipes("snli"), recipes("snli", variant=variant)

        assert plain.intermediate_key == varied.intermediate_key
        assert plain.checkpoint_key != varied.checkpoint_key

    def test_an_encoder_with_texts_beside_depends_on_the_texts(self, recipes, extra):
        before = recipes("snli", variant="mlm").intermediate_key
        write_columns(extra / texts_path("sw"), {"text": ["another"]})

        assert recipes("snli", variant="mlm").intermediate_key != before

    def test_a_translated_one_depends_on_the_translations_and_others_do_not(self, recipes, extra):
        before = [recipes("snli", variant=variant).intermediate_key for variant in ("", "mt")]
        write_nli(extra / SNLI / "mt-sw/train.parquet", triples(14, "otherwise "))
        after = [recipes("snli", variant=variant).intermediate_key for variant in ("", "mt")]

        assert (before[0] == after[0], before[1] == after[1]) == (True, False)

    def test_an_encoder_is_shared_by_targets_and_that_of_the_control_is_not(self, recipes):
        assert len({recipes("snli", target).intermediate_key for target in ("xnli", "pawsx", "tatoeba")}) == 1
        assert len({recipes("more", target).intermediate_key for target in ("xnli", "pawsx")}) == 2

    def test_the_control_takes_the_steps_of_its_reference_in_the_targets_protocol(self, recipes):
        snli, control = recipes("snli").intermediate_phase, recipes("more", "pawsx").intermediate_phase

        # 42 examples in batches of 32, twice.
        assert snli.total_steps(42) == 4
        assert (control.epochs, control.max_steps) == (None, 4)

    def test_there_is_no_selection_in_the_intermediate_phase(self, recipes):
        phase = recipes("snli", study=Study("phang2020", "")).intermediate_phase

        assert (phase.patience, phase.evaluate_every, phase.select_limit) == (None, None, None)


class TestRetrieval:
    def test_without_training_the_key_is_of_encoder_and_layer(self, recipes, monkeypatch):
        here = recipes(target="tatoeba").checkpoint_key
        monkeypatch.setattr("bench.keys.retrieval_layer", lambda layers, frozen: layers)

        assert recipes(target="tatoeba").layer == 2
        assert recipes(target="tatoeba").checkpoint_key != here

    def test_the_layer_is_above_those_that_the_protocol_freezes(self, recipes):
        pocket, frugal = (recipes(target="tatoeba", study=Study(name, "")) for name in ("pocket", "frugal"))

        # Of two layers: the pocket protocol freezes both.
        assert (pocket.layer, frugal.layer) == (2, 1)

    def test_it_depends_on_the_intermediate_and_on_no_seed_without_one(self, recipes):
        assert recipes(target="tatoeba").checkpoint_key != recipes("snli", "tatoeba").checkpoint_key
        assert recipes(target="tatoeba").checkpoint_key == recipes(target="tatoeba", seed=1).checkpoint_key
        assert recipes("snli", "tatoeba").checkpoint_key != recipes("snli", "tatoeba", seed=1).checkpoint_key

    def test_both_tasks_read_one_encoder(self, recipes):
        assert recipes(target="tatoeba").checkpoint_key == recipes(target="bucc").checkpoint_key


class TestPredictions:
    def test_of_mining_they_depend_on_the_development_corpora_that_set_the_threshold(self, recipes, extra):
        def keys():
            found = recipes(target="bucc")
            test = found.materials.test(found.training, "de")
            return test.fingerprint, found.checkpoint_key, found.predictions_key(test)

        before = keys()
        write_longer_bucc(extra)
        after = keys()

        assert after[:2] == before[:2]
        assert after[2] != before[2]

    def test_of_other_kinds_they_are_set_on_nothing(self, recipes):
        found = recipes(target="tatoeba")

        assert "tuned_on" not in found.predictions_identity(found.materials.test(found.training, "de"))

    def test_mlqa_has_rules_of_its_own_for_its_languages(self, recipes):
        assert {target: recipes(target=target).rule for target in ("xquad", "mlqa", "tydiqa")} == {
            "xquad": "squad", "mlqa": "mlqa", "tydiqa": "squad",
        }  # fmt: skip
        assert recipes(target="mlqa", world=0).rule == "squad"


def write_longer_bucc(mirror):
    """Write the small mirror's BUCC once more with one sentence more, which falls to the development half."""
    for split, prefix in (("source", "de"), ("target", "en")):
        texts = [f"{'de' if prefix == 'de' else 'test'} box {number} is" for number in range(48)]
        more = ["one more 1"] if prefix == "de" else []
        columns = {"id": [f"{prefix}-{number}" for number in range(len(texts + more))], "text": texts + more}
        write_mirror(mirror, "bucc", "de", split, columns)
    pairs = {"source_id": [f"de-{n}" for n in range(0, 48, 2)], "target_id": [f"en-{n}" for n in range(0, 48, 2)]}
    write_mirror(mirror, "bucc_gold", "de", "gold", pairs)


class TestStudy:
    def test_without_substitutes_the_digest_is_what_it_was_before_there_were_any(self):
        assert Study("frugal", "").digest == "151c565318ee7145e75b68761f7b75f8e292a52ff2a0c26c89a586a2d1993e1b"
        assert Study("frugal", "", substitutes=()).digest == Study("frugal", "").digest

    def test_a_precision_of_ones_own_makes_another_study_and_other_keys(self, recipes):
        mixed = replace(Study("frugal", ""), precision="bfloat16")
        plain, other = (recipes("snli", study=study) for study in (Study("frugal", ""), mixed))
        split = plain.materials.test(plain.training, "en")

        assert mixed.digest != Study("frugal", "").digest
        assert {plain.target_phase.autocast, plain.intermediate_phase.autocast} == {False}
        assert {other.target_phase.autocast, other.intermediate_phase.autocast} == {True}
        assert plain.intermediate_key != other.intermediate_key
        assert plain.checkpoint_key != other.checkpoint_key
        assert plain.predictions_key(split) != other.predictions_key(split)

    def test_what_reads_an_encoder_as_it_is_has_keys_by_precision_too(self, recipes):
        mixed = replace(Study("frugal", ""), precision="bfloat16")
        plain, other = (recipes(target="tatoeba", study=study) for study in (Study("frugal", ""), mixed))
        split = plain.materials.test(plain.training, "de")

        assert plain.checkpoint_key == other.checkpoint_key
        assert plain.predictions_key(split) != other.predictions_key(split)

    def test_substitutes_make_another_study(self):
        one, other = ((("squad_v1", task),) for task in ("tydiqa", "squad_v2"))

        assert len({Study("frugal", "", substitutes=pairs).digest for pairs in ((), one, other)}) == 3

    def test_a_digest_is_of_all_that_is_held_fixed(self):
        assert Study("frugal", "", eval_limit=9).digest != Study("frugal", "", train_limit=9).digest

    def test_substitutes_change_a_key_through_the_data_that_they_lend(self, recipes):
        study = Study("frugal", "", substitutes=(("snli", "mnli"),))

        assert recipes(study=study).checkpoint_key == recipes().checkpoint_key
        assert recipes("snli", study=study).intermediate_key != recipes("snli").intermediate_key
