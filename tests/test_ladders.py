"""Ladders: what may share a slope."""

from bench.catalog.ladders import ladders
from bench.catalog.models import MODELS


def test_generations_are_ladders_of_their_own_and_share_a_flagged_one() -> None:
    found = {ladder.name: ladder for ladder in ladders(spec.token for spec in MODELS)}

    assert found["xlmr-2019"].tokens == ("xlmr_base", "xlmr_large")
    assert found["xlmr-2021"].tokens == ("xlmr_xl", "xlmr_xxl")
    assert found["xlm-r"].kind == "generations"
    assert found["pocket-1"].tokens == ("pocket_xs", "pocket_s", "pocket_m", "pocket_l")


def test_truncations_are_a_ladder_of_depth_and_in_no_ladder_of_sizes() -> None:
    depth = [ladder for ladder in ladders(spec.token for spec in MODELS) if "me5_small_l3" in ladder.tokens]

    assert [(ladder.kind, ladder.tokens[-1]) for ladder in depth] == [("depth", "me5_small")]


def test_a_model_alone_and_a_model_of_the_users_own_are_on_no_ladder() -> None:
    assert ladders(["mbert", "mine", "xlmr_base"]) == []
