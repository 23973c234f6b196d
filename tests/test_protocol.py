"""A phase is plain data: it rejects what cannot be run, counts its steps, and says what identifies it."""

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.canonical import digest
from bench.catalog import tasks
from bench.catalog.protocols import PROTOCOLS, protocol, retrieval_layer
from bench.errors import BadInput
from bench.training.protocol import Phase


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "final"}, "Got role='final', but a phase is 'intermediate' or 'target'."),
        ({"pooling": "last"}, "Got pooling='last', but a head pools by 'first' or 'mean'."),
        ({"epochs": None}, "Got neither epochs nor max_steps, but a phase needs an end; give one of them."),
        ({"epochs": 0}, "Got epochs=0, but it must be a finite number above 0."),
        ({"learning_rate": float("nan")}, "Got learning_rate=nan, but it must be a finite number above 0."),
        ({"batch_size": 0}, "Got batch_size=0, but it must be at least 1."),
        ({"micro_batch": 0}, "Got micro_batch=0, but it must be at least 1."),
        ({"warmup_fraction": 1.0}, "Got warmup_fraction=1.0, but it must be in [0, 1)."),
        ({"weight_decay": -0.1}, "Got weight_decay=-0.1, but it must be 0 or more."),
        ({"logit_norm_temperature": 0.0}, "Got logit_norm_temperature=0.0, but it must be a finite number above 0."),
        ({"max_length": 3}, "Got max_length=3, but it must be at least 4, a pair's special tokens."),
    ],
)
def test_a_value_out_of_range_is_named_with_its_rule(change, message):
    with pytest.raises(BadInput) as caught:
        Phase(**{"role": "target", "task": "xnli", "epochs": 1.0} | change)

    assert message == str(caught.value)


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 64), st.floats(0.1, 5), st.integers(1, 50))
def test_the_smaller_bound_ends_the_phase(examples, batch_size, epochs, max_steps):
    def steps(**bounds):
        return Phase(role="target", task="xnli", batch_size=batch_size, **bounds).total_steps(examples)

    assert min(steps(epochs=epochs), max_steps) == steps(epochs=epochs, max_steps=max_steps)
    assert max_steps == steps(max_steps=max_steps)
    assert steps(epochs=1.0) * 2 == steps(epochs=2.0)


def test_the_micro_batch_is_the_only_field_that_is_not_identity():
    phase = Phase(role="target", task="xnli", epochs=1.0)
    split = Phase(role="target", task="xnli", epochs=1.0, micro_batch=4)
    faster = Phase(role="target", task="xnli", epochs=1.0, learning_rate=1e-4)

    assert digest(phase.identity()) == digest(split.identity())
    assert digest(phase.identity()) != digest(faster.identity())


def test_planning_imports_no_torch():
    names = "bench.training.protocol, bench.training.batches, bench.modeling.directory"
    code = f"import sys, {names}; print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


ROLES = {
    "target": [task.token for task in tasks.TARGETS],
    "intermediate": [task.token for task in tasks.INTERMEDIATES if task.token != "none"],
}
# Facts: the scripts of jiant (1.4) and XTREME (2.1); epochs, effective batch, longest row.
JIANT = {
    "xnli": (2, 32, 256),
    "pawsx": (5, 32, 256),
    "udpos": (10, 32, 256),
    "panx": (10, 32, 256),
    "xquad": (2, 16, 384),
    "mlqa": (2, 16, 384),
    "tydiqa": (2, 16, 384),
}
# Rate, epochs, effective batch, longest row, weight decay.
XTREME = {
    "xnli": (3e-5, 5, 32, 128, 0.0),
    "pawsx": (2e-5, 5, 32, 128, 0.0),
    "udpos": (2e-5, 10, 32, 128, 0.0),
    "panx": (2e-5, 10, 32, 128, 0.0),
    "xquad": (3e-5, 3, 32, 384, 1e-4),
    "mlqa": (3e-5, 3, 32, 384, 1e-4),
    "tydiqa": (3e-5, 3, 32, 384, 1e-4),
}


@pytest.mark.parametrize("preset", PROTOCOLS, ids=lambda preset: preset.token)
class TestPresets:
    @pytest.mark.parametrize(("role", "task"), [(role, task) for role, names in ROLES.items() for task in names])
    def test_every_preset_has_a_phase_for_every_task_and_role(self, preset, role, task):
        phase = preset.phase(role, task)

        assert (phase.role, phase.task) == (role, task)
        assert phase.total_steps(1000) >= 1

    def test_what_a_preset_says_of_tasks_is_of_tasks_there_are(self, preset):
        known = {name for names in ROLES.values() for name in names}

        assert {*preset.tasks, *preset.overrides} <= known


def test_phang2020_has_the_values_of_jiants_scripts():
    preset = protocol("phang2020")
    phases = {task: preset.phase("target", task) for task in JIANT}

    assert {task: (one.epochs, one.batch_size, one.max_length) for task, one in phases.items()} == JIANT
    assert {
        (one.learning_rate, one.adam_epsilon, one.weight_decay, one.clip_norm, one.warmup_fraction)
        for one in phases.values()
    } == {(1e-5, 1e-8, 0.01, 1.0, 0.1)}
    # Early stopping reads 500 items every 1000 steps, and 30 times without a better one.
    assert {(one.evaluate_every, one.patience, one.select_limit) for one in phases.values()} == {(1000, 30, 500)}
    assert {one.pooling for one in phases.values()} == {"first"}


def test_xtreme2020_has_the_values_of_its_scripts_for_large_models():
    preset = protocol("xtreme2020")
    phases = {task: preset.phase("target", task) for task in XTREME}

    assert {
        task: (one.learning_rate, one.epochs, one.batch_size, one.max_length, one.weight_decay)
        for task, one in phases.items()
    } == XTREME
    assert {(one.adam_epsilon, one.clip_norm) for one in phases.values()} == {(1e-8, 1.0)}
    assert (phases["xnli"].evaluate_every, phases["pawsx"].evaluate_every) == (100, 200)
    # 500 steps for questions and none for the rest, however many there are.
    assert {task: one.warmup(10_000) for task, one in phases.items()} == dict.fromkeys(XTREME, 0) | dict.fromkeys(
        ("xquad", "mlqa", "tydiqa"), 500
    )


@pytest.mark.parametrize("preset", ["phang2020", "xtreme2020"])
def test_sentences_to_be_retrieved_have_512_tokens(preset):
    assert {protocol(preset).phase("target", task).max_length for task in ("bucc", "tatoeba")} == {512}


def test_an_override_is_for_the_intermediate_phase_alone():
    preset = protocol("phang2020")

    assert preset.phase("intermediate", "mnli").learning_rate == preset.phase("target", "xnli").learning_rate
    assert preset.phase("intermediate", "squad_v1").max_length == 384
    assert preset.overrides["qqp"]["epochs"] == preset.phase("intermediate", "qqp").epochs
    assert preset.phase("target", "qqp").epochs == preset.target.epochs != preset.overrides["qqp"]["epochs"]


def test_a_preset_whose_other_tasks_change_is_another_study():
    preset = protocol("phang2020")
    changed = replace(preset, tasks={**preset.tasks, "panx": {"epochs": 9}})

    assert changed.settings != preset.settings


@pytest.mark.parametrize(("layers", "expected"), [(24, 14), (12, 7), (36, 21), (48, 28), (6, 4), (1, 1)])
def test_the_layer_of_retrieval_is_as_deep_as_the_14th_of_24(layers, expected):
    assert retrieval_layer(layers) == expected


@pytest.mark.parametrize(("layers", "frozen", "expected"), [(4, 2, 3), (24, 2, 14), (4, 4, 4), (1, 1, 1)])
def test_the_layer_of_retrieval_is_one_that_training_changes_where_there_is_one(layers, frozen, expected):
    assert retrieval_layer(layers, frozen) == expected
