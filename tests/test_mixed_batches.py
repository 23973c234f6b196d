"""Several tasks in one run: how often each is drawn, and that the first has its own order."""

import itertools

import numpy as np
import pytest

from bench.training.batches import endless_batches, mixed_batches

SIZES = (600, 300, 100)
DRAWN = 4000


def lengths_of(*sizes):
    return [np.arange(size) % 7 + 3 for size in sizes]


def taken(count, *sizes, batch_size=8, seed=0, role="target", temperature=1.0):
    batches = mixed_batches(lengths_of(*sizes), batch_size, seed, role, temperature)
    return list(itertools.islice(batches, count))


def shares(temperature, sizes=SIZES):
    tasks = [task for task, _ in taken(DRAWN, *sizes, batch_size=50, temperature=temperature)]
    return np.bincount(tasks, minlength=len(sizes)) / DRAWN


# The standard error of a share over 4000 draws is at most 0.008.
@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1.0, [0.6, 0.3, 0.1]),
        (2.0, np.sqrt(SIZES) / np.sqrt(SIZES).sum()),
        (5.0, np.array(SIZES) ** 0.2 / (np.array(SIZES) ** 0.2).sum()),
        (1e9, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_a_task_is_drawn_in_proportion_to_its_size_to_the_power_of_one_over_the_temperature(temperature, expected):
    assert shares(temperature) == pytest.approx(np.array(expected), abs=0.025)


@pytest.mark.parametrize("sizes", [(50,), (50, 30)])
def test_the_first_task_has_the_order_of_a_run_on_it_alone(sizes):
    (lengths, *_) = lengths_of(*sizes)
    alone = endless_batches(lengths, 8, 3, "target")
    first = [rows for task, rows in taken(60, *sizes, seed=3) if task == 0]

    assert len(first) == 60 or sizes != (50,)
    for found, expected in zip(first, alone, strict=False):
        assert found.tolist() == expected.tolist()


def test_every_task_shows_all_its_examples_before_any_comes_again():
    batches = taken(400, 50, 30)
    for task, size, per_epoch in ((0, 50, 7), (1, 30, 4)):
        own = [rows for drawn, rows in batches if drawn == task]
        for start in range(0, len(own) - per_epoch, per_epoch):
            assert sorted(np.concatenate(own[start : start + per_epoch])) == list(range(size))


def test_tasks_of_one_size_are_not_shuffled_alike():
    batches = taken(200, 50, 50)
    first, second = ([rows.tolist() for task, rows in batches if task == place] for place in (0, 1))

    assert first[:7] != second[:7]


def test_the_draw_is_a_function_of_seed_and_role():
    def tasks(**changes):
        return [task for task, _ in taken(60, *SIZES, **changes)]

    assert tasks() == tasks()
    assert tasks() != tasks(seed=1)
    assert tasks() != tasks(role="intermediate")
    # Raw integers of Philox, which no version of numpy changes.
    assert tasks()[:20] == [1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0]
