"""The page of doses, control and bound."""

from dataclasses import replace

import pytest

from bench.data.artificial import language_tokens
from bench.pretraining import arms
from bench.pretraining.__main__ import build
from bench.pretraining.recipe import Recipe, Size
from bench.training.protocol import Phase

SMALL = Recipe(alignment_steps=1, discourse_steps=1, pairs=2, documents=2, plentiful=30, scarce=9, coherent=30)


@pytest.fixture
def quick(monkeypatch):
    """Fine-tune for two steps."""
    monkeypatch.setattr(Phase, "total_steps", lambda phase, examples: 2)
    monkeypatch.setattr("bench.pretraining.__main__.size_of", lambda token: Size(token, 4, 16))


def test_a_page_has_a_line_a_language_and_a_column_an_arm(tmp_path, quick, monkeypatch):
    monkeypatch.setattr(arms, "ARMS", {"dose .5": replace(SMALL, dose=0.5)})
    build(0, "pocket_xs", tmp_path, SMALL)
    page = tmp_path / "arms.md"
    places = ["--shipped", str(tmp_path), "--work", str(tmp_path / "work"), "--output", str(page)]

    assert arms.main(["--model", "pocket_xs", *places]) == 0
    lines = page.read_text(encoding="utf-8").splitlines()
    assert "| language |  | dose 0 | trained in the language itself | dose .5 |" in lines
    assert [line.split(" | ")[0] for line in lines if line.startswith("| w0")] == [
        f"| {token}" for token in language_tokens(0)
    ]


def test_the_source_is_read_alike_by_both_ways_of_training(tmp_path, quick):
    directory = build(0, "pocket_xs", tmp_path, SMALL)
    own, zero_shot = arms.read_in_language(directory, 0), arms.read_zero_shot(directory, 0)

    assert own["w0_src"] == pytest.approx(zero_shot["w0_src"])
    assert zero_shot["w0_idn"] == pytest.approx(zero_shot["w0_src"])
    assert all(0 <= accuracy <= 1 for accuracy, _ in own.values())


def test_the_arms_vary_what_their_names_say():
    assert {name: (recipe.dose, recipe.permuted) for name, recipe in arms.ARMS.items()} == {
        "dose .1": (0.1, False),
        "dose .5": (0.5, False),
        "permuted connectives": (0.0, True),
    }
