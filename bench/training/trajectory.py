"""The trajectory of a run: at which steps it is read on its way. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.errors import BadInput


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What a run does at the `planned` steps: `read(step, examples seen)` keeps what the model says there.

    It is called while encoder and head have the weights of that step, and must leave them and torch's random state
    alone; what is kept already it need not read again. `kept(step)` says whether everything of a step is. A run that
    ends before its last planned step is read at its end.
    """

    planned: tuple[int, ...]
    kept: Callable[[int], bool]
    read: Callable[[int, int], None]

    def goes_on_from(self, step: int) -> bool:
        """Return whether nothing is lost when a run goes on from `step`, after which nobody sees its past again."""
        return all(self.kept(each) for each in self.planned if each <= step)


def check_points(count: int) -> int:
    """Return the number of points of a trajectory; raises BadInput for a negative one."""
    if count < 0:
        raise BadInput(
            f"Got trajectory={count}, but a fine-tuning run is read at 0 or more steps; 0 turns it off, and a contrast "
            "at equal accuracy wants 5 or more."
        )
    return count


def planned_steps(total: int, count: int) -> tuple[int, ...]:
    """Return at most `count` steps of `total`, ascending: the last one, its half, the half of that, rounded up.

    Accuracy rises about as the logarithm of the number of steps, so halves divide its range more evenly than equal
    distances, which put all points but one on the plateau. And the points of fewer are among those of more. Steps that
    coincide count once.
    """
    return tuple(sorted({math.ceil(total / 2**back) for back in range(min(count, total.bit_length() + 1))}))


def steps_until(end: int, total: int, count: int) -> tuple[int, ...]:
    """Return the steps at which a run was read that ended at step `end` of the `total` that it might have had."""
    return (*(step for step in planned_steps(total, count) if step < end), end) if count else ()
