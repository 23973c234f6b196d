"""A tuned learning rate: which is kept, what the suite trains for it, and what reports make of it."""

import copy
from dataclasses import replace

import pytest

from bench.catalog.protocols import protocol
from bench.catalog.variants import TUNED, variant
from bench.errors import BadInput, TrainingFailed
from bench.report.analysis import analyse
from bench.report.answer import answer
from bench.report.chosen_rates import chosen_rates
from bench.report.equal_accuracy import curves
from bench.report.exploratory import exploratory
from bench.report.ledger import Ledger
from bench.report.matched_sizes import climbs
from bench.report.sections import sections
from bench.report.settings import settings
from bench.report.shown import shown
from bench.report.size_tests import families
from bench.rows import Row, reproducible_part
from bench.training.protocol import Phase
from bench.training.rates import train_at_best_rate
from bench.training.report import FinetuneReport
from bench.training.selection import Evaluation
from tests.row_factory import LANGUAGES
from tests.slope_rows import ladder_rows

PHASE = Phase(role="target", task="xnli", epochs=1, learning_rate=1e-3, tried_rates=(0.5, 1.0, 2.0))
RATES = (5e-4, 1e-3, 2e-3)


def report_of(accuracy, nll, step=2):
    history = (Evaluation(1, 0.1, 9.0, False), Evaluation(step, accuracy, nll, False))
    return FinetuneReport(3, step, 1.0, 96, 960, 960, 0, history, False, "padded", 10, 0)


def kept(*found):
    """Return the rate that is kept of `RATES` with these accuracies and NLLs, None for a training that fails."""

    def train(phase):
        made = found[RATES.index(phase.learning_rate)]
        if made is None:
            raise TrainingFailed(f"at {phase.learning_rate:g}")
        return f"model at {phase.learning_rate:g}", report_of(*made)

    return train_at_best_rate(PHASE, train)


class TestPhase:
    def test_is_trained_at_each_rate_and_without_any_as_it_is(self):
        plain = replace(PHASE, tried_rates=())

        assert [one.learning_rate for one in PHASE.at_rates()] == [pytest.approx(rate) for rate in RATES]
        assert {replace(one, learning_rate=1e-3) for one in PHASE.at_rates()} == {plain}
        assert plain.at_rates() == (plain,)

    def test_is_another_phase_but_where_no_rate_is_tried_what_it_was(self):
        assert "tried_rates" not in replace(PHASE, tried_rates=()).identity()
        assert PHASE.identity()["tried_rates"] == (0.5, 1.0, 2.0)

    @pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
    def test_refuses_a_rate_that_is_none(self, factor):
        with pytest.raises(BadInput, match=rf"Got tried_rates={factor}, but it must be a finite number above 0\."):
            replace(PHASE, tried_rates=(1.0, factor))

    def test_the_variant_changes_nothing_but_the_target_phase(self):
        plain = protocol("pocket")
        tuned = variant(TUNED)

        assert tuned.apply(plain.phase("target", "xnli")).tried_rates == (0.5, 1.0, 2.0)
        assert tuned.apply(plain.phase("intermediate", "snli")) == plain.phase("intermediate", "snli")


class TestChoice:
    @pytest.mark.parametrize(
        ("found", "place"),
        [
            ([(0.6, 1.0), (0.7, 1.0), (0.5, 0.1)], 1),
            ([(0.6, 1.0), (0.6, 0.9), (0.6, 0.8)], 2),
            ([(0.6, 0.9), (0.6, 0.9), (0.6, 0.9)], 0),
            ([(0.6, 0.9), (0.7, 0.9), None], 1),
            ([None, None, (0.1, 9.0)], 2),
        ],
        ids=["accuracy", "then NLL", "of equals the first", "one failed", "all but one failed"],
    )
    def test_is_that_of_the_better_best_step(self, found, place):
        chosen = kept(*found)

        assert chosen.phase.learning_rate == RATES[place]
        assert chosen.model == f"model at {RATES[place]:g}"
        assert (chosen.report.best.accuracy, chosen.report.best.nll) == found[place]
        assert [one.learning_rate for one in chosen.tried] == list(RATES)
        assert [one.best is None for one in chosen.tried] == [one is None for one in found]

    def test_fails_where_every_rate_does(self):
        with pytest.raises(TrainingFailed, match=r"at 0\.002"):
            kept(None, None, None)

    def test_without_a_choice_there_is_nothing_to_choose_by(self):
        silent = replace(report_of(0.6, 1.0), history=())
        chosen = train_at_best_rate(replace(PHASE, tried_rates=()), lambda phase: ("model", silent))

        assert chosen.phase == replace(PHASE, tried_rates=())
        assert chosen.report.best is None


class TestSuite:
    options = ("--intermediates", "none", "--variants", "plain,tuned")

    @pytest.fixture
    def trained(self, monkeypatch):
        """The rate and the best evaluation of each phase that is trained."""
        from bench.training import finetune as module

        found = []
        original = module.finetune

        def watched(encoder, head, tokenizer, train, select, phase, *rest, **options):
            report = original(encoder, head, tokenizer, train, select, phase, *rest, **options)
            found.append((phase.learning_rate, report.best, options["trajectory"] is not None))
            return report

        monkeypatch.setattr(module, "finetune", watched)
        return found

    def test_rows_are_of_the_best_of_three_rates_and_say_so(self, suite, tiny, trained):
        rows = suite(*tiny, *self.options).rows
        rate = protocol("frugal").target.learning_rate
        tuned = [row for row in rows if row.condition.variant == TUNED]
        told = tuned[0].data["engine"]["train"]
        tried = [(rate, best) for rate, best, _ in trained[-3:]]
        best = tried[0]
        for one in tried[1:]:
            best = one if one[1].better_than(best[1]) else best

        assert [rate for rate, _, _ in trained] == pytest.approx([rate, 0.5 * rate, rate, 2 * rate])
        assert told["learning_rate"] == best[0]
        assert [(one["learning_rate"], one["best"]["nll"]) for one in told["tried_rates"]] == [
            (rate, best.nll) for rate, best in tried
        ]
        assert all("learning_rate" not in row.data["engine"]["train"] for row in rows if not row.condition.variant)

    def test_what_is_kept_is_the_training_at_that_rate(self, suite, tiny, monkeypatch):
        plain = {row.condition.language: row for row in suite(*tiny, "--intermediates", "none").rows}
        monkeypatch.setattr(Evaluation, "better_than", lambda self, other: other is None or self.step > other.step)
        monkeypatch.setattr(Phase, "at_rates", lambda self: (replace(self, tried_rates=()),) * 2)
        tuned = suite(*tiny, "--intermediates", "none", "--variants", "tuned").rows

        assert {row.condition.language for row in tuned} == set(plain)
        for row in tuned:
            assert row.data["digests"]["logits"] == plain[row.condition.language].data["digests"]["logits"]

    def test_its_way_is_read_once_the_rate_is_known(self, suite, tiny, trained, pytester, monkeypatch):
        options = ("--intermediates", "none", "--variants", "tuned")
        plain = {row.key: row for row in suite(*tiny, *options).rows}
        monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "another"))
        trained.clear()
        rows = {row.key: row for row in suite(*tiny, *options, "--trajectory", "2").rows}

        assert [read for _, _, read in trained] == [False, False, False, True]
        assert {len(row.trajectory) for row in rows.values()} == {0, 2}
        for key, row in rows.items():
            told = {name: value for name, value in reproducible_part(row).items() if name != "trajectory"}
            assert told == reproducible_part(plain[key])

    @pytest.mark.parametrize(
        ("word", "points", "hours"),
        [("plain", 0, "0.25"), ("tuned", 0, "0.75"), ("plain", 2, "0.25"), ("tuned", 2, "1.00")],
    )
    def test_the_plan_counts_every_rate(self, suite, tiny, monkeypatch, word, points, hours):
        monkeypatch.setattr("bench.cost.training_hours", lambda *asked: 0.25)
        options = ("--intermediates", "none", "--variants", word, "--trajectory", str(points), "--plan")
        plan = suite(*tiny, *options).result

        plan.stdout.fnmatch_lines([f"Plan on cpu, by static estimates: 1 trainings would run, about {hours} h."])


def tuned_rows(change, kept=1e-3, intermediates=("snli", "more")):
    """Return rows of a ladder whose rate was tuned."""
    rows = []
    for row in ladder_rows(change, intermediates=intermediates):
        data = copy.deepcopy(dict(row.data))
        data["condition"]["variant"] = TUNED
        data["id"] += f"-{TUNED}"
        tried = [{"learning_rate": rate, "best": None} for rate in RATES]
        data["engine"] = {"train": {"learning_rate": kept, "tried_rates": tried}}
        rows.append(Row(data))
    return rows


def explored(rows):
    (family,) = families(settings(sections(rows, Ledger(), LANGUAGES)))[:1]
    return {one.title: one for one in exploratory(family, climbs(family, curves(None)))}


class TestReport:
    def test_tests_under_a_tuned_rate_stand_beside_those_under_the_fixed_one(self):
        found = explored([*ladder_rows(0.1), *tuned_rows(0.04)])

        assert found["Q1 with the rate tuned"].change == pytest.approx(0.04, abs=1e-6)
        assert found["Q2 with the rate tuned"].change == pytest.approx(0.04, abs=1e-6)
        assert found["Q3 with the rate tuned"].change == pytest.approx(0.04, abs=1e-6)
        assert not [title for title in found if "fixed" in title]

    def test_of_fewer_tasks_the_fixed_rate_is_told_for_the_same_ones(self):
        plain = ladder_rows(0.1, intermediates=("snli", "qqp", "more"))
        found = explored([*plain, *tuned_rows(0.04, intermediates=("qqp",))])

        assert found["Q1 with the rate tuned (qqp)"].change == pytest.approx(0.04, abs=1e-6)
        assert found["Q1 with the rate fixed (qqp)"].change == pytest.approx(0.1, abs=1e-6)
        # Its control was not tuned.
        assert "Q2 with the rate tuned (qqp)" not in found

    def test_a_ladder_that_is_tuned_in_part_has_no_such_test(self):
        tuned = [row for row in tuned_rows(0.04) if row.condition.model != "xlmr_xl"]

        assert not [title for title in explored([*ladder_rows(0.1), *tuned]) if "tuned" in title]

    @pytest.mark.parametrize("kept", [lambda row: row, shown], ids=["whole rows", "what reports keep"])
    def test_chosen_rates_are_counted_once_a_seed(self, kept):
        rows = [kept(row) for row in (*ladder_rows(0.1), *tuned_rows(0.04, kept=2e-3))]
        (found,) = {
            tuple(one.kept.items())
            for setting in settings(sections(rows, Ledger(), LANGUAGES))
            for one in chosen_rates(setting)
        }
        text = answer(analyse(rows, Ledger(), LANGUAGES))

        assert found == ((5e-4, 0), (1e-3, 0), (2e-3, 3))
        assert "#### Learning rates chosen" in text
        assert text.count("snli tuned") == 4
        assert "#### Learning rates chosen" not in answer(analyse(ladder_rows(0.1), Ledger(), LANGUAGES))
