"""The splits of a study: what limits keep, who reads which half, what each intermediate arm and variant trains on."""

from collections import Counter
from dataclasses import replace

import pytest

from bench.catalog import tasks
from bench.catalog.variants import TRANSLATION_NOISE
from bench.data.example import Example, Provenance, Split
from bench.data.groups import limit_by_groups
from bench.data.sources import Access
from bench.data.texts import texts_path
from bench.errors import BadInput, DataError
from bench.materials import Materials, _in_turn, foreign_languages
from bench.plan import Training
from bench.study import Study
from tests.data_files import questions, write_columns, write_mirror
from tests.nli_files import triples, write_nli

SNLI = "datasets/stanfordnlp/snli/plain_text"
MNLI = "datasets/nyu-mll/glue/mnli"
IN_WORLD = Training("pocket_xs", 0, "none", "xnli", 0, "")


def training(target="xnli", intermediate="none", variant=""):
    return Training("tiny", None, intermediate, target, 0, variant)


def materials(mirror, **limits):
    return Materials(Access((mirror,)), Study("frugal", "", **limits))


def groups(split):
    return {one.group_id for one in split.examples}


def asked(contexts):
    """Return two questions on each of the numbered paragraphs."""
    return questions(
        [(f"{number}-{place}", f"it is box {number}", "what", [("box", 6)]) for number in contexts for place in (0, 1)]
    )


class TestLimits:
    @pytest.fixture
    def mirror(self, tmp_path):
        """MLQA in English on 12 paragraphs, and in German on every second of them."""
        write_mirror(tmp_path, "mlqa", "en", "test", asked(range(12)))
        write_mirror(tmp_path, "mlqa", "de", "test", asked(range(0, 12, 2)))
        return tmp_path

    def test_a_language_with_some_groups_keeps_those_that_the_source_keeps(self, mirror):
        limited, whole = materials(mirror, eval_limit=12), materials(mirror)
        english, german = (limited.test(training("mlqa"), token) for token in ("en", "de"))
        all_german = whole.test(training("mlqa"), "de")

        assert len(groups(english)) == 6
        assert groups(german) == groups(english) & groups(all_german)
        # Left to itself it would fit the limit as it is, and hold items that the source lacks.
        assert len(groups(german)) < len(groups(limit_by_groups(all_german, 12, "mlqa test"))) == 6
        assert german.provenance.capped

    def test_a_limit_that_the_source_is_within_leaves_other_languages_whole(self, mirror):
        found = materials(mirror, eval_limit=24)

        assert found.test(training("mlqa"), "de") == materials(mirror).test(training("mlqa"), "de")

    def test_a_limit_that_leaves_a_language_nothing_is_refused(self, mirror):
        limited = materials(mirror, eval_limit=12)
        kept = groups(limited.test(training("mlqa"), "en"))
        left = next(number for number in range(12) if f"test-{number}" not in kept)
        write_mirror(mirror, "mlqa", "de", "test", asked([left]))

        with pytest.raises(BadInput, match="Got a limit that leaves no group of test de, which has some of the source"):
            limited.test(training("mlqa"), "de")

    def test_languages_that_are_not_parallel_are_limited_by_themselves(self, tiny_mirror):
        found = materials(tiny_mirror, eval_limit=3)
        english, german = (found.test(training("udpos"), token) for token in ("en", "de"))

        assert len(english.examples) == len(german.examples) == 3
        assert groups(german) == groups(
            limit_by_groups(materials(tiny_mirror).test(training("udpos"), "de"), 3, "udpos test")
        )

    def test_retrieval_has_no_source_to_follow(self, tiny_mirror):
        found = materials(tiny_mirror, eval_limit=4)

        assert len(found.test(training("tatoeba"), "sw").examples) == 4


class TestHalves:
    def test_what_early_stopping_sees_is_in_no_calibration_half(self, tiny_mirror):
        found = materials(tiny_mirror)
        select = groups(found.select(training()))

        for token in ("en", "sw", "tr"):
            assert not select & groups(found.calibrate(training(), token))
        assert select | groups(found.calibrate(training(), "en")) == groups(found.validation(training(), "en"))

    def test_a_language_that_lacks_groups_is_not_halved_against_the_source(self, tmp_path):
        columns = {"sentence1": ["a"] * 16, "sentence2": ["b"] * 16, "label": [0, 1] * 8}
        write_mirror(tmp_path, "pawsx", "en", "validation", {"id": list(range(16)), **columns})
        few = {name: values[:11] for name, values in columns.items()}
        write_mirror(tmp_path, "pawsx", "de", "validation", {"id": list(range(5, 16)), **few})
        found = materials(tmp_path)
        select, german = (
            groups(found.select(training("pawsx"))), groups(found.calibrate(training("pawsx"), "de"))
        )  # fmt: skip

        assert german
        assert not select & german

    def test_a_mining_threshold_is_chosen_on_the_whole_development_set(self, tiny_mirror):
        split = materials(tiny_mirror).validation(training("bucc"), "de")

        assert (split.name, split.language, len(split.examples)) == ("validation", "de", 56)


class TestIntermediates:
    def test_mnli_disjoint_and_its_target_share_the_premises_out_between_them(self, tmp_path):
        write_nli(tmp_path / "datasets/facebook/xnli/en/train.parquet", triples(40))
        # Numbered otherwise, so that ids tell nothing.
        write_nli(tmp_path / MNLI / "train.parquet", triples(40)[::-1], idx=list(range(120)))
        arm, found = training(intermediate="mnli_disjoint"), materials(tmp_path)
        (first,), target = found.intermediates(arm), found.train(arm)
        premises = [{one.text for one in split.examples} for split in (first, target)]

        assert not premises[0] & premises[1]
        assert premises[0] | premises[1] == {one.text for one in found.train(training()).examples}
        assert 10 <= len(premises[0]) <= 30

    def test_mnli_disjoint_leaves_other_targets_whole(self, tiny_mirror):
        found = materials(tiny_mirror)

        assert found.train(training("pawsx", "mnli_disjoint")) == found.train(training("pawsx"))

    def test_more_trains_on_the_targets_own_data_for_the_steps_of_its_reference(self, tiny_mirror):
        found = materials(tiny_mirror)
        arm = training("pawsx", "more")

        assert found.intermediates(arm) == (found.train(arm),)
        assert [one.text for one in found.reference(arm).examples] == [
            premise for premise, _, _ in triples(14, "other ")
        ]

    def test_multi_is_the_nine_tasks_in_the_order_of_the_catalog(self, monkeypatch):
        monkeypatch.setattr("bench.data.artificial.artificial_split", named_split)
        found = Materials(Access(), Study("pocket", "")).intermediates(replace(IN_WORLD, intermediate="multi"))
        nine = [task.token for task in tasks.INTERMEDIATES if not task.extra and task.token not in ("none", "multi")]

        assert len(nine) == 9
        assert [split.examples[0].text for split in found] == [f"{name} train w0_src" for name in nine]

    def test_a_train_limit_holds_for_each_task(self, tiny_mirror):
        (split,) = materials(tiny_mirror, train_limit=12).intermediates(training(intermediate="snli"))

        assert len(split.examples) == 12
        assert split.provenance.capped


def named_split(task, split, language, noise=0.0):
    examples = [Example(f"{row}", f"{row}", f"{task} {split} {language}", f"{noise}", 0) for row in range(24)]
    return Split(split, language, ("yes", "no"), tuple(examples), Provenance("artificial"))


class TestTranslations:
    @pytest.fixture
    def mirror(self, tmp_path):
        """SNLI in English and in the three languages of the variant, each premise led by its language."""
        write_nli(tmp_path / SNLI / "train.parquet", triples(60, "en "))
        for language in ("de", "ru", "sw"):
            write_nli(tmp_path / SNLI / f"mt-{language}/train.parquet", triples(60, f"{language} "))
        return tmp_path

    def read(self, mirror, **limits):
        plain, mixed = (training(intermediate="snli", variant=variant) for variant in ("", "mt"))
        found = materials(mirror, **limits)
        return found.intermediates(plain)[0], found.intermediates(mixed)[0]

    def test_each_group_is_read_in_one_of_four_languages(self, mirror):
        _, mixed = self.read(mirror)
        languages = {}
        for one in mixed.examples:
            languages.setdefault(one.group_id, set()).add(one.text.split()[0])
        counts = Counter(next(iter(found)) for found in languages.values())

        assert {len(found) for found in languages.values()} == {1}
        assert counts.keys() == {"en", "de", "ru", "sw"}
        assert counts.total() == 60
        assert min(counts.values()) >= 5

    def test_items_groups_and_labels_stay_and_both_sides_are_translated(self, mirror):
        plain, mixed = self.read(mirror)

        assert [(one.item_id, one.group_id, one.label) for one in mixed.examples] == [
            (one.item_id, one.group_id, one.label) for one in plain.examples
        ]
        assert all(one.text.split()[0] == one.text_pair.split()[0] for one in mixed.examples)

    def test_it_says_so(self, mirror):
        plain, mixed = self.read(mirror)

        foreign = sum(one.text.split()[0] != "en" for one in mixed.examples)
        said = f"; groups in turn in en, de, ru, sw: {foreign} of {len(mixed.examples)} examples translated"
        assert mixed.provenance.note.endswith(said)
        assert mixed.provenance.flags == ("translated",)
        assert plain.provenance.flags == ()

    def test_a_limit_keeps_the_same_items_in_all_languages(self, mirror):
        plain, mixed = self.read(mirror, train_limit=90)

        assert [one.item_id for one in mixed.examples] == [one.item_id for one in plain.examples]
        assert len(mixed.examples) == 90
        assert len({one.text.split()[0] for one in mixed.examples}) == 4

    def test_translations_of_other_data_are_refused(self, tmp_path):
        write_mirror(tmp_path, "tydiqa", "en", "train", questions(english_questions()))
        for language in ("de", "ru", "sw"):
            path = tmp_path / f"datasets/rajpurkar/squad/plain_text/mt-{language}/train.parquet"
            write_columns(path, questions(english_questions()))
        found = materials(tmp_path, substitutes=(("squad_v1", "tydiqa"),))

        with pytest.raises(
            DataError, match="The translations of train into de, ru, sw hold no item of en; translate the"
        ):
            found.intermediates(training("tydiqa", "squad_v1", "mt"))

    def test_flags_of_what_is_translated_stay(self, mirror):
        plain, _ = self.read(mirror)
        flagged = replace(plain, provenance=replace(plain.provenance, flags=("substitute_train",)))
        other = replace(plain, language="sw", examples=tuple(replace(one, text="sw") for one in plain.examples))

        assert _in_turn([flagged, other]).provenance.flags == ("substitute_train", "translated")

    @pytest.mark.parametrize(("token", "share"), [("mt", TRANSLATION_NOISE), ("mt0", 0.0), ("mt20", 0.2)])
    def test_artificial_translations_are_noisy(self, monkeypatch, token, share):
        monkeypatch.setattr("bench.data.artificial.artificial_split", named_split)
        arm = replace(IN_WORLD, intermediate="snli", variant=token)
        (split,) = Materials(Access(), Study("pocket", "")).intermediates(arm)
        languages = ["w0_src", *foreign_languages(arm)]

        assert split.provenance.note.startswith(f"groups in turn in {', '.join(languages)}: ")
        # A share of the words is wrong in every language but the source.
        noise = {one.text.split()[-1]: float(one.text_pair) for one in split.examples}
        assert noise == dict.fromkeys(languages, share) | {"w0_src": 0.0}


def english_questions():
    return [(f"english-{number}", f"it is box {number}", "what", [("box", 6)]) for number in range(30)]


class TestTexts:
    def test_texts_are_those_of_one_language_after_the_other(self, tmp_path):
        for language in ("sw", "de", "ru"):
            write_columns(tmp_path / texts_path(language), {"text": [f"{language} one", f"{language} two"]})
        found = materials(tmp_path).texts(training(intermediate="snli", variant="mlm"))

        assert found == ("de one", "de two", "ru one", "ru two", "sw one", "sw two")

    def test_the_languages_of_a_world_are_its_own(self):
        assert foreign_languages(training()) == ("de", "ru", "sw")
        assert foreign_languages(replace(IN_WORLD, world=1)) == ("w1_agf", "w1_fus", "w1_agg_lo")


def test_a_split_is_loaded_once(tiny_mirror, monkeypatch):
    found = materials(tiny_mirror)
    first = found.train(training())
    monkeypatch.setattr("bench.materials.load_real", None)

    assert found.train(training(intermediate="snli")) is first
