"""The page of throughput: what its tables say of a run's file."""

import pytest

from bench.throughput.table import throughput_table
from tests.generated_parts import with_part
from tests.throughput_table import MARKS, PAGE, tables


def setting(**changes):
    return {
        "what": "train step", "model": "xlmr_base", "weights": "random", "text": "some words", "dtype": "bfloat16",
        "device": "cpu", "processor": "A Processor", "cpu_features": ["avx2", "amx_bf16"], "threads": 2,
        "libraries": {"torch": "2.13.0", "transformers": "5.24.0"}, **changes,
    }  # fmt: skip


def rates(**changes):
    return setting(
        tokens_per_s=1500.0, rates=[1400.0, 1500.0, 1600.0], examples_per_s=30.0, token_share=0.925, utilisation=0.41,
        product_peak=2.5e12, attention="padded", peak_memory={"bytes": 3e9, "is": "ru_maxrss"}, **changes,
    )  # fmt: skip


def run(*cases):
    return {
        "datetime": "2026-11-24T10:00:00",
        "machine_info": {"cpu": {"count": 4}},
        "benchmarks": [{"name": "case", "extra_info": info, "stats": {"data": times}} for info, times in cases],
    }


def lines(text):
    """Return the cells of each line of a Markdown table in `text`."""
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in found]


def test_a_run_is_said_to_be_of_its_machine():
    (first, *_) = tables([run((rates(), [9.0]))]).splitlines()
    assert first == (
        "Run of 2026-11-24 on A Processor: 4 cores, 2 threads, avx2 amx_bf16; torch 2.13.0, transformers 5.24.0."
    )


def test_a_gpu_is_named():
    assert "on A Processor with A GPU: 4 cores" in tables([run((rates(device="A GPU"), [9.0]))])


def test_a_case_is_a_line_with_its_spread_and_its_weights():
    page = tables([run((rates(), [9.0]), (rates(dtype="float32", weights="real"), [9.0]))])
    assert lines(page)[2] == [
        "xlmr_base", "random", "train step", "bfloat16", "1,500 (1,400 to 1,600)", "30.0", "92%", "41%", "3.0 GB",
        "padded",
    ]  # fmt: skip
    assert lines(page)[3][:4] == ["xlmr_base", "real", "train step", "float32"]
    assert "Matrix products reach 2.50 TFLOP/s in bfloat16, 2.50 TFLOP/s in float32. Texts: some words." in page


def test_ratios_of_peers_are_taken_within_a_round():
    info = setting(what="training", peers={"Trainer": [3.0, 4.0, 10.0]}, tokens=1000, examples=20)
    page = tables([run((info, [1.0, 2.0, 4.0]))])
    assert lines(page)[2:] == [
        ["training, xlmr_base (random weights), bfloat16", "crosscal", "2.00 (1.00 to 4.00)", "500", ""],
        ["", "Trainer", "4.00 (3.00 to 10.00)", "250", "2.50 (2.00 to 3.00)"],
    ]
    assert page.endswith("\n\nA round is of 20 pairs (some words).\n")


def test_other_cases_of_a_file_are_left_alone():
    assert tables([run(({"train": None}, [1.0]))]) == ""


def test_runs_follow_each_other():
    page = tables([run((rates(), [9.0])), run((rates(model="xlmr_large"), [9.0]))])
    assert page.index("xlmr_base") < page.rindex("Run of") < page.index("xlmr_large")


def test_the_page_has_a_place_for_the_tables():
    page = PAGE.read_text(encoding="utf-8")
    written = with_part(page, *MARKS, "a table\n")
    assert written.count("a table") == 1
    assert written.startswith(page.partition(MARKS[0])[0])
    assert written.endswith(page.partition(MARKS[1])[2])


@pytest.mark.parametrize("style", ["simple", "pipe"])
def test_the_table_at_the_end_of_a_run_says_which_weights(style):
    assert "random" in throughput_table([rates()], style)
