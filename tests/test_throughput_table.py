"""The tables of docs/speed.md, from small files of pytest-benchmark."""

from tests.generated_parts import with_part
from tests.throughput_table import MODELS, PAGE, PEERS, models_table, peers_table

MACHINE = {"cpu": {"brand_raw": "A processor", "count": 2, "flags": ["avx2", "amx_bf16"]}}
COMMON = {"model": "m", "weights": "random", "precision": "float32", "threads": 2, "torch": "2.13", "device": "cpu"}


def run(name, data, **info):
    case = {"name": name, "stats": {"data": data}, "extra_info": COMMON | info}
    return {"datetime": "2026-01-02T03:04", "machine_info": MACHINE, "benchmarks": [case]}


def cells(table):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]


def test_a_ratio_is_that_of_neighbours():
    table = peers_table([run("test_training[float32]", [1.0, 2.0, 4.0], peers={"Trainer, defaults": [2.0, 6.0, 16.0]})])

    assert "Run of 2026-01-02, A processor, 2 cores (avx2, amx_bf16), 2 threads, torch 2.13." in table
    assert cells(table)[2] == [
        "training, float32", "m", "random", "Trainer, defaults", "6.00 (2.00 to 16.00)", "2.00 (1.00 to 4.00)",
        "3.00 (2.00 to 4.00)",
    ]  # fmt: skip


def test_a_model_has_a_line_with_its_rates():
    info = {
        "utilisation": 0.25, "attention": "padded", "examples_per_s": 2.0, "tokens_per_s": 100.0, "seconds": [1, 2, 4],
        "real_token_share": 0.97, "peak_bytes": 2**30,
    }  # fmt: skip
    table = models_table([run("test_train_step[m-float32]", [9.0], **info)])

    assert cells(table)[2] == [
        "m", "random", "train step", "float32", "padded", "2.0", "100 (50 to 200)", "97.0", "25", "1.0",
    ]  # fmt: skip


def test_cases_of_the_other_suite_are_left_out():
    assert len(cells(peers_table([run("test_train_step", [1.0], utilisation=1)]))) == 2


def test_the_page_has_room_for_both():
    text = PAGE.read_text(encoding="utf-8")
    for marks in (PEERS, MODELS):
        assert with_part(text, *marks, "X\n") != text
