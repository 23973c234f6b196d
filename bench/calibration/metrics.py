"""The registry: every metric by its name, from which scores, tests and documents are made."""

from __future__ import annotations

from bench.calibration import (
    binned,
    corp,
    kernel,
    kolmogorov_smirnov,
    means,
    selective,
    smooth,
    sweep,
    temperature_loss,
)
from bench.calibration.metric import Metric

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        means.ACCURACY,
        means.CONFIDENCE,
        means.GAP,
        binned.ECE,
        binned.L2,
        means.NLL,
        means.BRIER,
        means.TRUE_ERROR,
        binned.TRUE_ECE,
        binned.L2_ROOT,
        binned.L1,
        binned.ECE_MASS,
        sweep.SWEEP,
        binned.MCE,
        binned.RMSCE,
        binned.OVERCONFIDENCE,
        binned.CLASSWISE,
        binned.BY_ANSWER,
        binned.ACE,
        binned.TACE,
        kolmogorov_smirnov.KS,
        smooth.SMECE,
        kernel.SKCE,
        kernel.SKCE_BLOCKED,
        temperature_loss.TEMPERATURE_LOSS,
        corp.BRIER_MCB,
        corp.BRIER_DSC,
        corp.BRIER_UNC,
        corp.NLL_MCB,
        corp.NLL_DSC,
        corp.NLL_UNC,
        selective.AUROC,
        selective.AURC,
        selective.EAURC,
        selective.RISK80,
    )
}
