"""The plan: each artefact once, after what it is made from."""

import pytest

from bench.budget import Estimate
from bench.condition import Condition
from bench.grids import Selection, conditions
from bench.plan import Training, intermediate_name, languages_by_training, plan, training_of
from fixtures.plan_table import plan_table, sharing


def no_cost(kind, training, languages):
    return 1.0, 0.5


def test_an_intermediate_is_trained_once_for_all_targets():
    found = [Condition("m", "snli", target, "sw", 0) for target in ("xnli", "pawsx")]

    assert len(plan(found, no_cost).of("intermediate")) == 1
    assert len(plan(found, no_cost).of("checkpoint")) == 2


def test_the_control_more_trains_on_its_target_and_is_not_shared():
    found = [Condition("m", "more", target, "sw", 0) for target in ("xnli", "pawsx")]

    assert len(plan(found, no_cost).of("intermediate")) == 2


def test_languages_share_a_checkpoint_and_the_source_is_predicted_too():
    found = [Condition("m", "none", "xnli", token, 0) for token in ("sw", "tr")]

    assert languages_by_training(found) == {Training("m", None, "none", "xnli", 0, ""): ("en", "sw", "tr")}


def test_worlds_share_nothing():
    first, second = (training_of(Condition("pocket_s", "none", "xnli", f"w{world}_agg", 0)) for world in (0, 1))

    assert first != second
    assert (first.source, second.source) == ("w0_src", "w1_src")


def test_inputs_come_before_what_is_made_from_them():
    graph = plan(conditions(Selection(models=("mbert", "pocket_s"))), no_cost)
    seen = set()
    for artefact in graph.artefacts:
        assert set(artefact.inputs) <= seen
        seen.add(artefact.name)

    assert len(seen) == len(graph.artefacts)


def test_the_smoke_grid_needs_five_trainings_a_seed():
    graph = plan(conditions(Selection(models=("mbert",))), no_cost)

    assert len(graph.of("intermediate")) + len(graph.of("checkpoint")) == 2 * 5
    assert len(graph.of("predictions")) == 2 * 3


class TestRetrieval:
    def test_nothing_is_trained_for_it_and_there_is_no_source(self):
        found = [Condition("m", "none", "tatoeba", token, 0) for token in ("sw", "tr")]
        graph = plan(found, no_cost)

        assert [(one.kind, one.inputs, one.languages) for one in graph.artefacts] == [("predictions", (), ("sw", "tr"))]
        assert (graph.trainings, graph.unshared) == (0, 0)

    def test_it_reads_the_intermediate_encoder(self):
        graph = plan([Condition("m", "snli", "bucc", "de", 0)], no_cost)
        first, last = graph.artefacts

        assert (first.kind, last.kind, last.inputs) == ("intermediate", "predictions", (first.name,))


class TestSharing:
    def test_cells_are_counted_beside_trainings(self):
        axes = [("none", "xnli"), ("snli", "xnli"), ("snli", "panx"), ("snli", "tatoeba")]
        found = [Condition("m", *axis, token, 0) for axis in axes for token in ("ar", "sw", "tr")]
        graph = plan(found, no_cost)

        # SNLI once for its nine cells, and a checkpoint for three cells of each of three trainings.
        assert {one.name: one.cells for one in graph.artefacts if one.kind != "predictions"} == {
            "intermediate: m-snli-s0": 9,
            "checkpoint: m-none-xnli-s0": 3,
            "checkpoint: m-snli-xnli-s0": 3,
            "checkpoint: m-snli-panx-s0": 3,
        }
        assert (graph.trainings, graph.unshared) == (4, 18)

    def test_the_papers_frame_trains_each_encoder_and_checkpoint_once(self):
        found = conditions(Selection(grid="paper", models=("mbert",)))
        graph = plan(found, no_cost)

        # By seed, ten intermediates, and seven trained targets after each of them and after none.
        assert (len(graph.of("intermediate")), len(graph.of("checkpoint"))) == (3 * 10, 3 * 7 * 11)
        trained = sum(one.target not in ("bucc", "tatoeba") for one in found)
        assert graph.unshared == trained + sum(one.intermediate != "none" for one in found)

    def test_what_is_saved_is_said_for_all_models_together(self):
        one, other = Estimate("a", 3, 1, 1.0, 1.0, "", 20), Estimate("b", 2, 0, 1.0, 1.0, "needs gpu", 10)

        assert sharing([one, other]) == (
            "Shared: 6 trainings serve all selected cells, where a cell at a time would take 30; 24 are saved."
        )
        assert sharing([one, other]) in plan_table([one, other], 2.0, "cpu")


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        ("", "m-snli-s0"),
        ("ls10", "m-snli-s0"),
        ("aggregate", "m-snli-s0"),
        ("mlm", "m-snli-s0 mlm"),
        ("mt", "m-snli-s0 mt"),
        ("mt20", "m-snli-s0 mt20"),
    ],
)
def test_variants_share_an_intermediate_unless_they_change_it(variant, name):
    assert intermediate_name(Training("m", None, "snli", "xnli", 0, variant)) == name


def test_variants_of_the_intermediate_phase_have_checkpoints_of_their_own():
    found = [Condition("m", "snli", "xnli", "sw", 0, variant) for variant in ("", "ls10", "mlm")]
    graph = plan(found, no_cost)

    assert (len(graph.of("intermediate")), len(graph.of("checkpoint"))) == (2, 3)
