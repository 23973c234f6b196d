import pytest

from bench.data.artificial import WORLDS, describe
from bench.data.artificial.baselines import baselines
from bench.pretraining.checks import MAX_LENGTH, checks_of, document
from bench.pretraining.recipe import Recipe

# Fewer documents than the recipe's: what is never said in 3000 is what pretraining holds out, and the test stays quick.
RECIPE = Recipe(plentiful=3000)
CHANCE = 1 / 3


@pytest.fixture(scope="module", params=WORLDS)
def checks(request):
    found = checks_of(request.param, RECIPE)
    return {check.token.split("_", 1)[1]: check for check in found}


def test_no_pair_is_cut_and_no_piece_unknown(checks):
    assert [check.truncated for check in checks.values()] == [0] * len(checks)
    assert [check.unknown for check in checks.values()] == [0.0] * len(checks)
    assert max(check.longest for check in checks.values()) <= MAX_LENGTH


def test_fertility_and_unseen_words_rise_with_synthesis(checks):
    free = [checks[code] for code in ("isx", "iso")]
    bound = [checks[code] for code in ("agf", "agg", "fus", "int")]
    assert max(check.fertility for check in free) < min(check.fertility for check in bound)
    assert [check.unseen for check in free] == [0.0, 0.0]
    assert min(check.unseen for check in bound) > 0.01
    assert checks["agf"].unseen < checks["agg"].unseen
    assert checks["agf"].fertility < checks["agg"].fertility


def test_scarce_languages_leave_more_words_unseen(checks):
    for code in ("iso", "agg", "fus"):
        assert checks[f"{code}_lo"].unseen > checks[code].unseen


def test_cognates_are_equal_over_languages_and_homographs_rare(checks):
    assert len({round(check.cognates, 9) for check in checks.values()}) == 1
    assert max(check.homographs for check in checks.values()) < 0.03


def test_words_follow_zipf_and_the_identical_clone_measures_as_the_source(checks):
    assert all(0.7 < check.zipf < 2.0 for check in checks.values())
    source, clone = checks["src"], checks["idn"]
    assert (source.fertility, source.unseen, source.zipf) == (clone.fertility, clone.unseen, clone.zipf)


@pytest.mark.parametrize("world", WORLDS)
def test_a_hypothesis_or_two_bags_of_lemmas_do_not_give_the_label_away(world):
    found = baselines(world)
    assert found.hypothesis <= CHANCE + 0.05
    assert found.bag <= CHANCE + 0.05
    # Which words the two share is part of the meaning of the task, so this reader must do better.
    assert found.overlap > found.bag + 0.1


def test_the_page_of_a_world_has_a_row_for_every_language():
    page = document(0, RECIPE)
    rows = [line for line in page.splitlines() if line.startswith("| w0_")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [
        describe(token).token for token in ("w0_src", "w0_isx", "w0_iso", "w0_agf", "w0_agg", "w0_fus", "w0_int")
    ] + ["w0_iso_lo", "w0_agg_lo", "w0_fus_lo", "w0_cln", "w0_idn"]
    assert "Bayes accuracy of the test split: 0.9" in page or "Bayes accuracy of the test split: 0.8" in page
