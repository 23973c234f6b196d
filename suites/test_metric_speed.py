"""How fast the calibration core is, side by side with what people use: `pytest suites/test_metric_speed.py`.

Nothing here asserts a time. Every case runs its contenders in turn, round after round, and leaves their times in
`extra_info` of pytest-benchmark's JSON; `python -m tests.metric_speed_table FILE` makes docs/metric-speed.md of it.
Peers come with the dependency group `oracles`; a missing one skips its case.
"""

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from bench.calibration.binned import expected_calibration_error
from bench.calibration.metrics import METRICS
from bench.calibration.outcomes import Outcomes
from bench.calibration.streaming import calibration_error
from bench.statistics.contrasts import estimates, intermediate_effect, resample

ROWS, BINS = 10_000_000, 15
LANGUAGES, ITEMS, GROUP = 15, 5_010, 3
REPLICATES = 2_000
FIVE = ("gap", "accuracy", "nll", "brier", "l2sq15")


def compare(benchmark, ours, peers, rounds=5):
    """Time `ours` with the benchmark fixture and each of `peers` once before every round of it."""
    times = {name: [] for name in peers}

    def run_peers():
        for name, action in peers.items():
            start = time.perf_counter()
            action()
            times[name].append(time.perf_counter() - start)

    benchmark.pedantic(ours, setup=run_peers, rounds=rounds, iterations=1, warmup_rounds=1)
    # The warm-up round's times are those of cold caches.
    benchmark.extra_info["peers"] = {name: measured[1:] for name, measured in times.items()}


@pytest.fixture(scope="module")
def many():
    """Ten million rows of three probabilities, and labels."""
    generator = np.random.default_rng(0)
    powers = np.exp(2 * generator.standard_normal((ROWS, 3)))
    return powers / powers.sum(axis=1, keepdims=True), generator.integers(0, 3, ROWS)


@pytest.fixture(scope="module")
def languages():
    """Two conditions in fifteen languages: probabilities and labels of the same 5,010 items, and the groups."""
    generator = np.random.default_rng(1)
    groups = np.array([f"premise {item // GROUP}" for item in range(ITEMS)])
    pairs = []
    for _ in range(LANGUAGES):
        logits = 2 * generator.standard_normal((ITEMS, 3))
        labels = (logits / 1.5 + generator.gumbel(size=(ITEMS, 3))).argmax(axis=1)
        pairs.append([(_softmax(logits + generator.normal(size=logits.shape)), labels) for _ in range(2)])
    return pairs, groups


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_error_from_confidence(benchmark, many):
    """The plug-in error of ten million confidences, against a maximum and three bincounts."""
    rows, labels = many
    confidence = rows.max(axis=1)
    correct = (rows.argmax(axis=1) == labels).astype(np.float64)
    index = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)

    def plain(maximum):
        maximum()
        np.bincount(index, minlength=BINS), np.bincount(index, confidence, BINS), np.bincount(index, correct, BINS)

    columns = tuple(rows.T)
    peers = {
        "max(axis=1) and three bincounts": lambda: plain(lambda: rows.max(axis=1)),
        "maximum of columns and three bincounts": lambda: plain(
            lambda: np.maximum(np.maximum(*columns[:2]), columns[2])
        ),
    }
    compare(benchmark, lambda: expected_calibration_error(confidence, correct, BINS), peers)


def test_error_from_probabilities(benchmark, many):
    """End to end from ten million rows, validated."""
    torch = pytest.importorskip("torch")
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    netcal = pytest.importorskip("netcal.metrics")
    rows, labels = many
    tensors = torch.from_numpy(rows), torch.from_numpy(labels)
    peers = {
        "torchmetrics": lambda: torchmetrics.multiclass_calibration_error(*tensors, 3, BINS),
        "netcal": lambda: netcal.ECE(BINS).measure(rows, labels),
    }
    compare(benchmark, lambda: calibration_error(rows, labels, BINS), peers, rounds=3)


def test_whole_metric_set(benchmark, languages):
    """All metrics of fifteen languages, against the fastest peer for each metric that a peer has."""
    peers = peer_metrics()
    sets = [pair[0] for pair in languages[0]]
    groups = languages[1]
    ours = {name: 0.0 for name, metric in METRICS.items() if metric.needs != "posterior"}

    def whole_set():
        for rows, labels in sets:
            found = Outcomes.from_probabilities(rows, labels, group_ids=groups)
            for name in ours:
                start = time.perf_counter()
                METRICS[name].value(found)
                ours[name] += time.perf_counter() - start

    actions = {
        f"{metric}: {library}": (lambda measure=measure: [measure(rows, labels) for rows, labels in sets])
        for metric, libraries in peers.items()
        for library, measure in libraries.items()
    }
    rounds = 3
    compare(benchmark, whole_set, actions, rounds=rounds)
    benchmark.extra_info["by_metric"] = {name: total / (rounds + 1) for name, total in ours.items()}


def peer_metrics():
    """Return {metric of ours: {library: function of probabilities and labels}}."""
    torch = pytest.importorskip("torch")
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    netcal = pytest.importorskip("netcal.metrics")
    verified = pytest.importorskip("calibration")
    relplot = pytest.importorskip("relplot")
    mapie = pytest.importorskip("mapie.metrics.calibration")
    sklearn = pytest.importorskip("sklearn.metrics")

    def by_torch(norm):
        return lambda rows, labels: torchmetrics.multiclass_calibration_error(
            torch.from_numpy(rows), torch.from_numpy(labels), 3, BINS, norm
        )

    def by_verified(function, **options):
        return lambda rows, labels: getattr(verified, function)(rows, labels, **options)

    def by_netcal(name, **options):
        return lambda rows, labels: getattr(netcal, name)(BINS, **options).measure(rows, labels)

    def right(rows, labels):
        return rows.argmax(axis=1) == labels

    return {
        "accuracy": {"scikit-learn": lambda rows, labels: sklearn.accuracy_score(labels, rows.argmax(axis=1))},
        "nll": {"scikit-learn": lambda rows, labels: sklearn.log_loss(labels, rows)},
        "brier": {"scikit-learn": lambda rows, labels: sklearn.brier_score_loss(labels, rows, scale_by_half=False)},
        "auroc": {"scikit-learn": lambda rows, labels: sklearn.roc_auc_score(right(rows, labels), rows.max(axis=1))},
        "ece15": {
            "torchmetrics": by_torch("l1"),
            "netcal": by_netcal("ECE"),
            "uncertainty-calibration": by_verified("get_ece", num_bins=BINS),
        },
        "mce15": {"torchmetrics": by_torch("max"), "netcal": by_netcal("MCE")},
        "rmsce15": {"torchmetrics": by_torch("l2")},
        "ece15_mass": {
            "netcal": by_netcal("ECE", equal_intervals=False),
            "uncertainty-calibration": by_verified("get_ece_em", num_bins=BINS),
        },
        "l2sq15": {
            "uncertainty-calibration": by_verified("get_calibration_error", p=2, debias=True, mode="top-label"),
        },
        "l1db15": {
            "uncertainty-calibration": by_verified("get_calibration_error", p=1, debias=True, mode="top-label"),
        },
        "cwece15": {"uncertainty-calibration": by_verified("get_ece", num_bins=BINS, mode="marginal")},
        "ace15": {"uncertainty-calibration": by_verified("get_ece_em", num_bins=BINS, mode="marginal")},
        "tlece15": {"MAPIE": lambda rows, labels: mapie.top_label_ece(labels, rows, num_bins=BINS)},
        "ks": {
            "MAPIE": lambda rows, labels: mapie.kolmogorov_smirnov_statistic(right(rows, labels), rows.max(axis=1)),
        },
        "smece": {"relplot": lambda rows, labels: relplot.smECE(rows.max(axis=1), right(rows, labels).astype(float))},
        "aurc": {
            "uncertainty-calibration": lambda rows, labels: pytest.importorskip(
                "calibration.utils"
            ).get_selective_stats(rows.max(axis=1), right(rows, labels)),
        },
        "ts_loss": {"probmetrics": loss_by_probmetrics},
    }


def loss_by_probmetrics(rows, labels):
    """Return the calibration part of the NLL by temperature scaling, cross-fitted in five folds."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("numba")
    calibrators, distributions, metrics, splitters = (
        pytest.importorskip(f"probmetrics.{name}") for name in ("calibrators", "distributions", "metrics", "splitters")
    )
    calibrator = calibrators.get_calibrator("temp-scaling")
    return metrics.MetricsWithCalibration(
        metrics.LogLoss(), calibrator, splitters.CVSplitter(n_cv=5), "temperature", random_state=0
    ).compute_all(
        distributions.CategoricalDirac(torch.from_numpy(labels), n_classes=3),
        distributions.CategoricalProbs(torch.from_numpy(rows)),
    )


def test_clustered_replicates(benchmark, languages):
    """2,000 paired replicates of five metrics in fifteen languages, against scipy.stats.bootstrap on the same."""
    from scipy.stats import bootstrap

    pairs, groups = languages
    names = np.arange(ITEMS // GROUP)

    conditions = [[Outcomes.from_probabilities(*each, group_ids=groups) for each in pair] for pair in pairs]

    def ours():
        for pair in conditions:
            first, second = (resample(replace(each), REPLICATES, seed=0, metrics=FIVE) for each in pair)
            estimates(intermediate_effect(first, second))

    def at_once():
        for pair in pairs:
            bootstrap((names,), _difference_of_drawn_groups(pair), **settings)

    def one_by_one():
        for pair in pairs:
            five = _difference_of_drawn_groups(pair)
            for place in range(len(FIVE)):
                bootstrap((names,), lambda drawn, place=place, five=five: five(drawn)[place], **settings)

    settings = {"n_resamples": REPLICATES, "vectorized": False, "method": "percentile", "random_state": 0}
    peers = {
        "scipy.stats.bootstrap, a call a metric": one_by_one,
        "scipy.stats.bootstrap, all five in one call": at_once,
    }
    compare(benchmark, ours, peers, rounds=3)


def _difference_of_drawn_groups(pair):
    """Return a function of drawn group numbers: the five metrics of the first condition minus those of the second."""
    columns = [_columns(rows, labels) for rows, labels in pair]
    members = np.arange(ITEMS).reshape(-1, GROUP)

    def statistic(drawn):
        items = members[drawn].reshape(-1)
        first, second = (_five([column[items] for column in each]) for each in columns)
        return first - second

    return statistic


def _columns(rows, labels):
    confidence, own = rows.max(axis=1), rows[np.arange(ITEMS), labels]
    correct = (rows.argmax(axis=1) == labels).astype(np.float64)
    edges = np.quantile(confidence, np.arange(1, BINS) / BINS, method="inverted_cdf")
    brier = (rows**2).sum(axis=1) - 2 * own + 1
    return confidence, correct, -np.log(own), brier, np.searchsorted(edges, confidence)


def _five(columns):
    confidence, correct, nll, brier, index = columns
    count = np.bincount(index, minlength=BINS)
    accuracy = np.bincount(index, correct, BINS) / count
    gap = np.bincount(index, confidence, BINS) / count - accuracy
    squared = (count * (gap**2 - accuracy * (1 - accuracy) / (count - 1))).sum() / count.sum()
    return np.array([confidence.mean() - correct.mean(), correct.mean(), nll.mean(), brier.mean(), squared])


STREAM = """
import resource, sys
import numpy as np
from bench.calibration.streaming import Accumulator

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

generator = np.random.default_rng(0)
batches, before, highest = [], resident(), 0.0
for _ in range(10):
    powers = np.exp(2 * generator.standard_normal((100_000, 3)))
    batches.append((powers / powers.sum(axis=1, keepdims=True), generator.integers(0, 3, 100_000)))
stream = Accumulator(3)
for step in range(int(sys.argv[1])):
    stream.update(*batches[step % 10])
    highest = max(highest, resident())
assert all(np.isfinite(value) for value in stream.finalize().values())
print(highest - before)
"""


def test_streaming(benchmark):
    """A hundred million rows in batches, all streaming metrics: what memory it takes above the interpreter's."""

    def stream():
        command = [sys.executable, "-c", STREAM, "1000"]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    benchmark.extra_info["megabytes"] = benchmark.pedantic(stream, rounds=1, iterations=1)
    benchmark.extra_info["peers"] = {}
