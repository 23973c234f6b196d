"""The plan: each artefact once, after what it is made from."""

from bench.condition import Condition
from bench.grids import Selection, conditions
from bench.plan import Training, languages_by_training, plan, training_of


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
