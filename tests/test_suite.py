"""The suites as a user meets them: cases, statuses, what is written, what the second run does."""

import json
import re

import pytest

from bench.rows import reproducible_part


def test_a_run_scores_every_case_and_writes_its_results(suite, tiny):
    finished = suite(*tiny)

    finished.result.assert_outcomes(passed=6)
    assert finished.result.ret == pytest.ExitCode.OK
    assert finished.statuses == {"run": 6}
    assert len(finished.rows) == 6 * 2
    assert (
        (finished.output / "leaderboard.md").read_text().startswith("# Calibration of zero-shot cross-lingual transfer")
    )
    finished.result.stdout.fnmatch_lines(
        ["*6 of 6 selected cases are scored: run 6, cached 0*", "*Written to *output*"]
    )


def test_every_row_says_what_is_wrong_with_it(suite, tiny):
    flags = {flag for row in suite(*tiny, "--train-limit", "30", "-k", "none").rows for flag in row.flags}

    assert {"subset", "capped", "local_model"} <= flags
    assert "artificial" not in flags


def test_the_second_run_trains_nothing_and_gives_the_same_rows(suite, tiny, monkeypatch):
    first = suite(*tiny)
    rows = [reproducible_part(row) for row in first.rows]
    timings = [row.data["timings"] for row in first.rows]
    first.output.joinpath("results.jsonl").unlink()
    monkeypatch.setattr("bench.work.produce", None)
    second = suite(*tiny)

    assert second.statuses == {"cached": 6}
    assert [reproducible_part(row) for row in second.rows] == rows
    assert [row.data["timings"] for row in second.rows] == timings
    second.result.stdout.no_fnmatch_line("*Name (time in*")


def test_work_done_again_from_nothing_gives_the_same_rows(suite, tiny, pytester, monkeypatch):
    rows = [reproducible_part(row) for row in suite(*tiny, "-k", "snli").rows]
    monkeypatch.setenv("CROSSCAL_HOME", str(pytester.path / "another"))
    again = suite(*tiny, "-k", "snli")

    assert again.statuses == {"run": 2}
    assert [reproducible_part(row) for row in again.rows] == rows


def test_the_intermediate_task_is_not_the_control(suite, tiny):
    rows = {row.condition.intermediate: row for row in suite(*tiny, "-k", "sw").rows if row.recalibration == "none"}
    recipes = {row.data["digests"]["recipe"] for row in rows.values()}

    assert set(rows) == {"none", "snli", "more"}
    assert len(recipes) == 3


def test_a_run_in_bfloat16_says_so_and_is_another_study(suite, tiny):
    plain, mixed = (suite(*tiny, "-k", "none", *more).rows for more in ([], ["--precision", "bfloat16"]))

    own = [row for row in mixed if "bfloat16" in row.flags]
    assert len(own) == len(plain) > 0
    assert {row.study for row in own}.isdisjoint(row.study for row in plain)


@pytest.mark.parametrize(
    ("precision", "features", "said"),
    [("bfloat16", ("avx2",), True), ("bfloat16", ("avx2", "avx512_bf16"), False), ("float32", ("avx2",), False)],
)
def test_bfloat16_in_software_is_said_before_it_takes_an_evening(suite, tiny, monkeypatch, precision, features, said):
    monkeypatch.setattr("bench.cost.cpu_features", lambda: features)
    shown = suite(*tiny, "--precision", precision, "--device", "cpu", "--collect-only").result.stdout.str()

    assert ("this processor has no bfloat16 instructions" in shown) is said


def test_training_on_the_targets_own_data_is_flagged(suite, tiny):
    finished = suite(*tiny, "--intermediates", "mnli", "-k", "en")

    assert all("contaminated" in row.flags for row in finished.rows)


def test_a_marker_selects_exactly(suite, tiny):
    finished = suite(*tiny, "-m", "condition(language='sw', intermediate='none')", "--collect-only", "-q")

    finished.result.stdout.fnmatch_lines(["*[[]tiny-none-xnli-sw-s0[]]", "*1/6 tests collected (5 deselected)*"])


def test_collecting_wakes_no_heavy_library(suite, pytester):
    pytester.makepyfile(
        watch="""
        import sys

        def pytest_unconfigure():
            print("heavy:", [name for name in ("torch", "transformers", "datasets") if name in sys.modules])
        """
    )
    pytester.syspathinsert()
    finished = suite("-p", "watch", "--collect-only", "-q", "-k", "xlmr_large", subprocess=True)

    finished.result.stdout.fnmatch_lines(["*90/* tests collected*", "heavy: []"])


def test_a_plan_says_what_would_run_and_runs_nothing(suite, tiny):
    finished = suite(*tiny, "--models", "tiny,xlmr_large", "--plan")

    finished.result.stdout.fnmatch_lines(
        [
            "Plan on cpu, by static estimates: 5 trainings would run*",
            "tiny * 5 * 0 * train*",
            "xlmr_large*skip, see below*",
        ]
    )
    assert not (finished.output / "results.jsonl").exists()


def test_a_plan_after_the_run_reads_the_store(suite, tiny):
    suite(*tiny)
    finished = suite(*tiny, "--plan")

    finished.result.stdout.fnmatch_lines(["*: 0 trainings would run, about 0.00 h.", "tiny * 0 * 5 * read the store*"])


def test_a_later_run_adds_to_the_results_of_an_earlier_one(suite, tiny):
    suite(*tiny, "-k", "none")
    finished = suite(*tiny, "-k", "snli")

    assert {row.condition.intermediate for row in finished.rows} == {"none", "snli"}
    assert sum(finished.statuses.values()) == 4


def test_languages_selected_later_do_not_train_again(suite, tiny, monkeypatch):
    suite(*tiny, "-k", "none")
    monkeypatch.setattr("bench.training.finetune.finetune", None)
    finished = suite(*tiny[:4], "--languages", "en,tr", *tiny[6:], "-k", "none and tr")

    assert finished.result.ret == pytest.ExitCode.OK
    assert finished.rows[-1].condition.language == "tr"


class TestSkips:
    def test_what_is_missing_is_skipped_with_its_reason_and_nothing_ran(self, suite):
        finished = suite("-k", "xlmr_large", "--languages", "en,sw", "--seeds", "0")

        finished.result.assert_outcomes(skipped=6, deselected=None)
        assert finished.result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
        assert {entry.reason for entry in finished.ledger.entries} == {
            "needs hub: HF_HUB_OFFLINE is set; the cache lacks model FacebookAI/xlm-roberta-large at revision main"
        }
        finished.result.stdout.fnmatch_lines(
            ["*0 of 6 selected cases*skipped 6*", "*Every selected case was skipped: exit code 5*"]
        )

    def test_all_skipped_may_be_allowed(self, suite):
        finished = suite("-k", "xlmr_large", "--seeds", "0", "--languages", "en", "--allow-all-skipped")

        assert finished.result.ret == pytest.ExitCode.OK

    def test_what_is_required_fails(self, suite):
        finished = suite("-k", "xlmr_large", "--seeds", "0", "--languages", "en", "--require", "hub")

        finished.result.assert_outcomes(failed=3)
        assert finished.statuses == {"failed": 3}
        finished.result.stdout.fnmatch_lines(["*--require hub: HF_HUB_OFFLINE is set*"])

    def test_a_model_above_the_budget_is_skipped_with_the_estimate(self, suite, tiny):
        finished = suite(*tiny, "--budget", "0")

        assert finished.statuses == {"skipped": 6}
        assert "needs budget: tiny needs about 0.0 h for 5 trainings" in finished.ledger.entries[0].reason

    def test_an_estimate_knows_of_bfloat16_in_software(self, suite, monkeypatch):
        def hours(*features):
            monkeypatch.setattr("bench.cost.cpu_features", lambda: features)
            shown = suite("--models", "xlmr_base", "--precision", "bfloat16", "--device", "cpu", "--plan").result.stdout
            return float(re.search(r"about ([0-9.]+) h", shown.str())[1])

        assert hours("avx2") == pytest.approx(15 * hours("avx2", "avx512_bf16"), rel=0.01)

    def test_what_is_stored_is_served_whatever_the_budget(self, suite, tiny):
        suite(*tiny)

        assert suite(*tiny, "--budget", "0").statuses == {"cached": 6}

    def test_a_task_whose_data_nobody_may_pass_on_is_skipped_with_the_way_to_provide_it(self, suite, tiny):
        finished = suite(*tiny, "--intermediates", "ccg")

        (reason,) = {entry.reason for entry in finished.ledger.entries}
        assert reason.startswith("needs data:")
        assert "datasets/ccgbank/ccg/train.parquet" in reason

    def test_a_large_model_needs_a_gpu(self, suite, tiny, monkeypatch):
        monkeypatch.setattr("bench.catalog.models.ModelSpec.needs_gpu", True)
        finished = suite(*tiny, "--device", "cpu", "-k", "none")

        assert all(entry.reason.startswith("needs gpu: tiny has 0 M") for entry in finished.ledger.entries)


class TestFailures:
    def test_a_failed_artefact_is_tried_once_and_blocks_what_needs_it(self, suite, tiny, monkeypatch):
        attempts = []

        def broken(*arguments, **options):
            from bench.errors import TrainingFailed

            attempts.append(1)
            raise TrainingFailed("Got loss=nan at step 1.")

        monkeypatch.setattr("bench.training.finetune.finetune", broken)
        finished = suite(*tiny, "-k", "none")

        assert len(attempts) == 1
        assert finished.statuses == {"failed": 1, "blocked": 1}
        blocked = next(entry for entry in finished.ledger.entries if entry.status == "blocked")
        assert "upstream" in blocked.reason
        assert "failed in tiny-none-xnli-en-s0: Got loss=nan at step 1." in blocked.reason
        assert finished.result.ret == pytest.ExitCode.TESTS_FAILED

    def test_an_intermediate_that_failed_blocks_its_targets(self, suite, tiny, monkeypatch):
        from bench.training import finetune as module

        original = module.finetune

        def broken(encoder, head, tokenizer, train, select, phase, *rest, **options):
            if phase.role == "intermediate":
                raise ValueError("no luck")
            return original(encoder, head, tokenizer, train, select, phase, *rest, **options)

        monkeypatch.setattr(module, "finetune", broken)
        finished = suite(*tiny, "-k", "none or snli")

        assert finished.statuses == {"run": 2, "failed": 1, "blocked": 1}

    def test_one_unreadable_language_spoils_no_other(self, suite, tiny, tiny_mirror, monkeypatch, pytester):
        import shutil

        mirror = shutil.copytree(tiny_mirror, pytester.path / "mirror")
        (mirror / "datasets/facebook/xnli/sw/test.parquet").write_bytes(b"PAR1 not really")
        monkeypatch.setenv("CROSSCAL_MIRROR", str(mirror))
        finished = suite(*tiny, "-k", "none")

        assert finished.statuses == {"run": 1, "failed": 1}
        failed = next(entry for entry in finished.ledger.entries if entry.status == "failed")
        assert "sw/test.parquet has sha256" in failed.reason


class TestWorkers:
    def test_two_workers_train_everything_once_and_write_each_row_once(self, suite, tiny):
        finished = suite(*tiny, "-n", "2", subprocess=True)

        assert finished.result.ret == pytest.ExitCode.OK
        assert finished.statuses == {"run": 6}
        assert len(finished.rows) == 12

    def test_throughput_is_null_and_says_why(self, suite, tiny):
        finished = suite(*tiny, "-n", "2", "-k", "none", subprocess=True)

        assert {row.throughput_note for row in finished.rows} == {
            "not timed: cases share the processors under pytest-xdist"
        }
        assert all(row.rate("train_examples_per_s") is None for row in finished.rows)


def test_rows_say_how_the_work_was_done(suite, tiny):
    for row in suite(*tiny, "-k", "none").rows:
        trained, read = row.data["engine"]["train"], row.data["engine"]["predict"]

        assert (trained["attention"], trained["micro_batch"], read["attention"], read["halved"]) == (
            "padded",
            None,
            "packed",
            0,
        )
        assert trained["vocabulary"] > 0
        assert min(trained["peak_bytes"], read["peak_bytes"]) > 2**20


def test_throughput_is_recorded_where_work_happens(suite, tiny, pytester):
    finished = suite(*tiny, "-k", "none", f"--benchmark-json={pytester.path / 'bench.json'}")
    benchmarks = json.loads((pytester.path / "bench.json").read_text())["benchmarks"]

    assert [one["name"] for one in benchmarks] == ["test_condition[tiny-none-xnli-en-s0]"]
    assert benchmarks[0]["extra_info"]["train"]["examples"] > 0
    assert all(row.rate("predict_tokens_per_s") > 0 for row in finished.rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "zero"], "Got --seeds 'zero', but 'zero' is no integer of 0 or more; write --seeds 0,1."),
        (["--seeds", "1.5"], "Got --seeds '1.5', but '1.5' is no integer of 0 or more"),
        (["--grid", "big"], "Got grid='big', but the grids are smoke, paper, full."),
        (["--models", "xlmr"], "Got model='xlmr', which is not in the catalog"),
        (["--languages", "klingon"], "Got language='klingon', which is not in the catalog"),
        (["--targets", "boolq"], "Got target='boolq', which is not in the catalog"),
        (["--require", "luck"], "Got --require 'luck', but 'luck' is none of hub, gpu, weights, data, budget."),
        (["--model", "mini"], "Got --model 'mini', but it reads TOKEN=DIR or TOKEN=hub:OWNER/NAME"),
        (["--train-limit", "0"], "Got --train-limit 0, but a limit is 1 or more, such as 501."),
        (["--eval-limit", "-3"], "Got --eval-limit -3, but a limit is 1 or more, such as 501."),
        (["--device", "tpu"], "Got --device 'tpu', but a device is cpu, cuda, cuda:1 or auto."),
        (["--recalibrations", "ts"], "Got recalibration='ts'; write 'none', or <calibrator>_<where> such as ts_en."),
        (["--model", "mbert=."], "mbert is a model of the catalog; give yours a token of its own, such as my_mbert."),
        (["--model", "mini=nowhere"], "Got model directory nowhere, but there is no such directory"),
        (["--model", "Mini=hub:a/b"], "Got model='Mini', but a token consists of a-z, 0-9 and _ only."),
        (["--protocol", "mine"], "Got protocol='mine', but the presets are pocket"),
        (["--models", "mbert", "--languages", "w0_src"], "which selects no condition"),
        (["--variants", "mlm", "--intermediates", "none"], "languages, a variant apply to the tasks."),
    ],
)
def test_bad_options_end_the_run_with_one_message(suite, arguments, message):
    result = suite(*arguments).result

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize("option", ["--output", "--store"])
def test_places_that_cannot_be_written_end_the_run(suite, tiny, pytester, option):
    pytester.path.joinpath("file").write_text("in the way")
    result = suite(*tiny, option, str(pytester.path / "file" / "below")).result

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "cannot be written" in result.stderr.str() + result.stdout.str()


def test_a_run_into_a_directory_with_packed_rows_ends_at_once(suite, tiny, pytester):
    packed = pytester.path / "published" / "results-a.jsonl.gz"
    packed.parent.mkdir()
    packed.touch()
    result = suite(*tiny, "--output", str(packed.parent)).result

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stderr.str() + result.stdout.str()
    assert "whose rows are packed (results-a.jsonl.gz), but a run adds to results.jsonl; unpack them (gunzip -c" in told
    assert list(packed.parent.iterdir()) == [packed]


def test_spoilt_results_are_not_overwritten_and_the_run_says_so(suite, tiny):
    first = suite(*tiny, "-k", "none")
    (first.output / "results.jsonl").write_text("spoilt\n")
    finished = suite(*tiny, "-k", "none")

    assert finished.result.ret == pytest.ExitCode.INTERNAL_ERROR
    finished.result.stdout.fnmatch_lines(["Not written: *results.jsonl, line 1: It is no JSON*"])
    assert (first.output / "results.jsonl").read_text() == "spoilt\n"


def test_a_selection_without_cases_writes_nothing(suite):
    finished = suite("-k", "nothing_is_called_so")

    assert finished.result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not finished.output.exists()


class TestProvenance:
    @pytest.fixture
    def elsewhere(self, monkeypatch):
        """Return a function that makes this process look like one with another version of torch."""
        from bench.store import provenance

        version = provenance._version
        return lambda: monkeypatch.setattr(
            provenance, "_version", lambda name: "0" if name == "torch" else version(name)
        )

    def test_what_was_made_elsewhere_is_accepted_and_flagged(self, suite, tiny, elsewhere):
        suite(*tiny, "-k", "none")
        elsewhere()
        finished = suite(*tiny, "-k", "none")

        assert finished.statuses == {"cached": 2}
        assert all("other_provenance" in row.flags for row in finished.rows)

    def test_what_was_made_elsewhere_is_refused_on_demand(self, suite, tiny, elsewhere):
        suite(*tiny, "-k", "none")
        elsewhere()
        finished = suite(*tiny, "-k", "none", "--provenance", "strict")

        assert finished.statuses == {"failed": 2}
        assert "Got --provenance strict, but" in finished.ledger.entries[0].reason
