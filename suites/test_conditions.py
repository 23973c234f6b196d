"""Every condition of the grid: trained or loaded, predicted, checked, scored."""

from bench.condition import Condition
from bench.plan import training_of
from fixtures.cases import Case


def test_condition(condition: Condition, case: Case):
    """The condition has a row for each recalibration, and its logits keep every invariant."""
    rows = case.run(condition)

    assert [row.recalibration for row in rows] == ["none", *case.session.engine.recalibrations(training_of(condition))]
    assert {row.id for row in rows} == {condition.id}
