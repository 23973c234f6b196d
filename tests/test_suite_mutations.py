"""A broken metric, cluster or split makes a case of the suites fail, and by the right name."""

import dataclasses

from bench import invariants
from bench.calibration import binned, metrics
from bench.statistics import contrasts, refit, sufficient


def reason(finished):
    finished.result.assert_outcomes(failed=1, deselected=5)
    return finished.ledger.entries[0].reason


def test_nothing_broken_passes(suite, tiny):
    suite(*tiny, "-k", "none and sw").result.assert_outcomes(passed=1, deselected=5)


def test_a_broken_metric(suite, tiny, monkeypatch):
    broken = dataclasses.replace(metrics.METRICS["ece15"], formula=lambda sums: 0.5 * binned.ece(sums))
    monkeypatch.setitem(metrics.METRICS, "ece15", broken)

    assert "ece15" in reason(suite(*tiny, "-k", "none and sw"))


def test_a_broken_cluster(suite, tiny, monkeypatch):
    original = sufficient.group_sums

    def by_item(outcomes, *metrics):
        return original(dataclasses.replace(outcomes, group_ids=outcomes.item_ids), *metrics)

    for module in (contrasts, invariants, refit):
        monkeypatch.setattr(module, "group_sums", by_item)

    assert "group sums must have one row for each of the" in reason(suite(*tiny, "-k", "none and sw"))


def test_a_calibration_half_that_is_also_scored(suite, tiny, monkeypatch):
    monkeypatch.setattr("bench.materials.Materials.calibrate", lambda self, one, language: self.test(one, language))

    assert "calibration and test must be disjoint, but share 20" in reason(suite(*tiny, "-k", "none and sw"))
