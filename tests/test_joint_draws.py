"""Joint replicates: contrasts of rows get the item error of their predictions, not a bound."""

from __future__ import annotations

import numpy as np
import pytest

from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions
from bench.report.joint_draws import joint_draws
from bench.report.ledger import Ledger
from bench.report.panels import panel_of
from bench.report.sections import sections
from bench.rows import Row
from bench.scoring import score
from bench.statistics.contrasts import resample, transfer
from bench.statistics.panel import Term
from tests.prediction_factory import make_predictions
from tests.row_factory import LANGUAGES, make_data

DRAWS = 200


def stored() -> dict[str, Predictions]:
    """Predictions by key: two languages whose logits lean on the source's, so that items are hard in all alike."""
    source = make_predictions(600, 1)
    found = {"en": source}
    for place, language in enumerate(("sw", "tr")):
        noise = np.random.default_rng(place).normal(scale=0.7, size=source.logits.shape).astype(np.float32)
        found[language] = Predictions(
            source.item_ids, source.group_ids, source.labels, source.logits + noise, None, {"language": language}
        )
    return found


def rows_of(predictions: dict[str, Predictions]) -> list[Row]:
    rows = []
    for language, test in predictions.items():
        source = None if language == "en" else predictions["en"]
        scored = score(test, source=source, replicates=DRAWS)
        data = make_data(language=language, source=None, groups=200)
        digests = {**data["digests"], "predictions": language}
        rows.append(Row({**data, "metrics": scored["metrics"], "transfer": scored["transfer"], "digests": digests}))
    return rows


def panels():
    predictions = stored()
    (section,) = sections(rows_of(predictions), Ledger(), LANGUAGES)
    return predictions, panel_of(section), panel_of(section, replicates=joint_draws(predictions.get, DRAWS))


def test_a_transfer_has_the_error_of_its_paired_replicates() -> None:
    predictions, bounds, joint = panels()
    runs = [resample(Outcomes.from_predictions(predictions[name]), DRAWS, 0, None, ["gap"]) for name in ("sw", "en")]
    expected = transfer(*runs).replicates["gap"].std(ddof=1) * np.sqrt(200 / 199)

    one = joint.cells["xlmr_base", "none", "sw", 0].transfer["gap"]
    assert one.error == pytest.approx(expected)
    assert one.value == pytest.approx(bounds.cells["xlmr_base", "none", "sw", 0].transfer["gap"].value)


def test_a_mean_over_languages_is_surer_with_joint_replicates_than_with_the_bound() -> None:
    _, bounds, joint = panels()
    terms = [Term(0.5, "none", "sw"), Term(0.5, "none", "tr")]
    errors = [each.contrast("xlmr_base", terms, "gap").mean.error for each in (bounds, joint)]

    assert errors[1] < 0.95 * errors[0]


def test_predictions_that_are_not_there_leave_the_bound() -> None:
    predictions = stored()
    del predictions["tr"]
    (section,) = sections(rows_of(stored()), Ledger(), LANGUAGES)
    cells = panel_of(section, replicates=joint_draws(predictions.get, DRAWS)).cells

    assert cells["xlmr_base", "none", "tr", 0].transfer["gap"].replicates is None
    assert cells["xlmr_base", "none", "sw", 0].transfer["gap"].replicates is not None


def test_without_the_source_s_predictions_a_transfer_keeps_its_rows_paired_error() -> None:
    _, bounds, _ = panels()
    predictions = stored()
    del predictions["en"]
    (section,) = sections(rows_of(stored()), Ledger(), LANGUAGES)
    cells = panel_of(section, replicates=joint_draws(predictions.get, DRAWS)).cells

    key = ("xlmr_base", "none", "sw", 0)
    assert cells[key].transfer["gap"].error == bounds.cells[key].transfer["gap"].error
