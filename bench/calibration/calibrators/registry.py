"""Which calibrators there are."""

from __future__ import annotations

from dataclasses import dataclass

from bench.calibration.calibrators import affine, beta, ensemble_temperature, histogram, isotonic, spline, temperature
from bench.calibration.calibrators.calibration_map import Fit


@dataclass(frozen=True, slots=True)
class CalibratorInfo:
    """What is known of a calibrator.

    `keeps_answers`: it never changes which class is the most probable one, so accuracy stays. `lowers_nll`: on the set
    it was fitted on, the NLL never rises.
    """

    token: str
    title: str
    source: str
    keeps_answers: bool
    lowers_nll: bool
    fit: Fit


CALIBRATORS: dict[str, CalibratorInfo] = {
    info.token: info
    for info in (
        CalibratorInfo("ts", "temperature scaling", "Guo et al. 2017", True, True, temperature.fit),
        CalibratorInfo(
            "ets", "ensemble temperature scaling", "Zhang, Kailkhura and Han 2020", True, True, ensemble_temperature.fit
        ),
        CalibratorInfo("vs", "vector scaling", "Guo et al. 2017", False, True, affine.fit_vector_scaling),
        CalibratorInfo(
            "ms", "matrix scaling, ODIR", "Guo et al. 2017, Kull et al. 2019", False, True, affine.fit_matrix_scaling
        ),
        CalibratorInfo("dir", "Dirichlet calibration, ODIR", "Kull et al. 2019", False, True, affine.fit_dirichlet),
        CalibratorInfo("hist", "histogram binning", "Zadrozny and Elkan 2001", False, False, histogram.fit),
        CalibratorInfo("iso", "isotonic regression", "Zadrozny and Elkan 2002", False, False, isotonic.fit),
        CalibratorInfo("beta", "beta calibration", "Kull, Silva Filho and Flach 2017", False, False, beta.fit),
        CalibratorInfo("spline", "spline calibration", "Gupta et al. 2021", True, False, spline.fit),
    )
}
