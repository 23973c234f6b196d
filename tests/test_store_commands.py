"""`crosscal store`: what is shown, what is checked, what is removed, and the exit status."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.canonical import digest
from bench.commands import store as command
from bench.errors import BadInput, Corrupt
from bench.store import Failures, Store
from bench.store.location import stored
from bench.store.pins import pin, pins

HOLDER = """
import sys
from pathlib import Path
from bench.store import Store
with Store(Path(sys.argv[1])).lock(sys.argv[2], sys.argv[3]):
    print("held", flush=True)
    sys.stdin.read()
"""
PROVENANCE = {"device": "cpu", "seconds": 12.34, "report": {"steps": 750}}


def publish(store, kind, identity, provenance=PROVENANCE, size=1500):
    key = digest(identity)
    store.publish(kind, key, identity, provenance, lambda directory: (directory / "content").write_bytes(b"x" * size))
    return kind, key


def home(store, artefact):
    kind, key = artefact
    return store.root / kind / key[:2] / key


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def chain(store):
    checkpoint = publish(store, "checkpoint", {"phase": {"role": "target", "task": "xnli"}, "seed": 3})
    test = publish(store, "predictions", {"checkpoint": checkpoint[1], "max_length": 128})
    identity = {"id": "pocket_xs-none-xnli-w0_iso-s3", "test": test[1], "halves": {"w0_iso": test[1]}}
    return {"checkpoint": checkpoint, "test": test, "row": publish(store, "row", identity, {})}


@pytest.fixture
def crosscal(store, capsys):
    """Run `crosscal store` on the store and return its exit status and the lines it printed."""

    def call(*words):
        parser = argparse.ArgumentParser()
        command.configure(parser)
        status = command.run(parser.parse_args([*words, "--store", str(store.root)]))
        captured = capsys.readouterr()
        assert captured.err == ""
        return status, captured.out.splitlines()

    return call


def line_of(lines, artefact):
    (line,) = [line for line in lines if artefact[1][:12] in line]
    return line


def test_ls_says_what_each_artefact_is_and_what_it_was_made_for(crosscal, store, chain):
    status, lines = crosscal("ls")

    assert status == 0
    assert lines[0].split() == ["kind", "key", "what", "needed", "by", "made", "size"]
    assert "  xnli, seed 3, 750 steps  " in line_of(lines, chain["checkpoint"])
    assert "  pocket_xs-none-xnli-w0_iso-s3  " in line_of(lines, chain["row"])
    assert line_of(lines, chain["test"]).split()[2:4] == ["halves", "of"]
    created = store.find(*chain["row"]).manifest.created[:10]
    assert line_of(lines, chain["row"]).split()[-3] == created
    assert line_of(lines, chain["row"]).endswith("KiB")


def test_ls_shows_the_most_particular_use_of_predictions(crosscal, store, chain):
    for language in ("a", "b"):
        identity = {"id": f"pocket_xs-none-xnli-w0_{language}-s3", "halves": {"w0_iso": chain["test"][1]}}
        publish(store, "row", identity, {})
    lines = crosscal("ls", "--long")[1]

    assert "  test of pocket_xs-none-xnli-w0_iso-s3  " in line_of(lines, chain["test"])


def test_ls_counts_the_other_uses(crosscal, store):
    shared = publish(store, "predictions", {"checkpoint": "c" * 64})
    for language in ("b", "a"):
        publish(store, "row", {"id": f"x-none-xnli-{language}-s0", "source": shared[1]})

    assert "  source of x-none-xnli-a-s0 and 1 more  " in line_of(crosscal("ls", "--long")[1], shared)


def test_ls_lists_artefacts_of_unknown_form(crosscal, store):
    unknown = publish(store, "weights", {"hub": "a/b", "layers": 2, "deep": {"x": 1}, "none": None}, {})
    empty = publish(store, "intermediate", {})
    strange = publish(store, "checkpoint", {"phase": 1, "id": 7}, {"seconds": "long", "report": [], "device": None})
    lines = crosscal("ls", "--long")[1]

    assert "  hub a/b, layers 2  " in line_of(lines, unknown)
    assert line_of(lines, empty)
    assert "  7  " in line_of(lines, strange)


def test_ls_long_has_whole_keys_the_device_and_the_seconds(crosscal, store, chain):
    line = line_of(crosscal("ls", "--long")[1], chain["checkpoint"])

    assert chain["checkpoint"][1] in line
    assert line.split()[-5:-2] == [store.find(*chain["checkpoint"]).manifest.created, "cpu", "12.3"]


def test_ls_fits_100_columns(crosscal, store, chain):
    identity = {"id": "a_very_long_model_name-an_intermediate-a_target-a_language-s1000-a_variant"}
    long = publish(store, "row", identity, {}, 1_040_000)
    publish(store, "intermediate", {"seed": 0})
    pin(store.root, "a_baseline_with_a_very_long_name", "", [long])
    lines = crosscal("ls")[1]
    table = lines[: lines.index("")]

    assert max(map(len, table)) <= 100
    assert "  a_very_long_model…-s1000-a_variant  a_base…_name  " in line_of(table, long)


def test_ls_of_one_kind(crosscal, chain):
    lines = crosscal("ls", "--kind", "row")[1]

    assert [line.split()[0] for line in lines[2 : lines.index("")]] == ["row"]
    assert "row: 1, " in lines[-2]


def test_ls_names_the_baselines_that_need_an_artefact(crosscal, store, chain):
    pin(store.root, "pocket", "pocket.jsonl", [chain["row"], ("row", "f" * 64)])
    pin(store.root, "other", "other.jsonl", [chain["test"]])
    lines = crosscal("ls")[1]

    assert "  other +1  " in line_of(lines, chain["test"])
    assert "  other, pocket  " in line_of(crosscal("ls", "--long")[1], chain["test"])
    assert "  pocket  " in line_of(lines, chain["row"])
    assert "baseline pocket (pocket.jsonl): 4 artefacts, 1 not stored" in lines
    assert "baseline other (other.jsonl): 2 artefacts" in lines


def test_ls_counts_what_lies_beside_and_sums_each_kind(crosscal, store):
    for seed in (0, 1):
        publish(store, "row", {"seed": seed}, {}, 2048)
    sizes = sum(path.stat().st_size for path in (store.root / "row").rglob("*") if path.is_file())
    Failures(store.root, "s").remember("f" * 64, "a", "nan")
    for place in ("quarantine/x", f"unfinished/row/{'f' * 64}", f"row/ff/.tmp-{'f' * 64}-01234567"):
        (store.root / place).mkdir(parents=True)
        (store.root / place / "file").write_bytes(b"123")
    lines = crosscal("ls")[1]

    for what in ("quarantine", "unfinished", "leftovers"):
        assert f"{what}: 1, 3 B" in lines
    assert any(line.startswith("sessions: 1, ") for line in lines)
    assert lines[-2:] == [f"row: 2, {sizes / 1024:.1f} KiB", f"all artefacts: 2, {sizes / 1024:.1f} KiB"]


def test_ls_shows_damage_and_moves_nothing(crosscal, store, chain):
    (home(store, chain["row"]) / "content").write_text("short")
    (home(store, chain["test"]) / "manifest.json").write_text("{")
    lines = crosscal("ls", "--long")[1]

    assert "DAMAGED: content has 5 bytes instead of 1500" in line_of(lines, chain["row"])
    assert "DAMAGED: " in line_of(lines, chain["test"])
    assert len(list(stored(store.root))) == 3
    assert not (store.root / "quarantine").exists()


def test_ls_shows_a_damaged_pin(crosscal, store, chain):
    pin(store.root, "pocket", "", [chain["row"]])
    (store.root / "baselines" / "pocket.json").write_text("{}")
    status, lines = crosscal("ls")

    assert status == 0
    assert any(line.startswith("damaged pin: ") for line in lines)
    assert line_of(lines, chain["row"])


def test_ls_shows_no_control_characters(crosscal, store):
    publish(store, "row", {"id": "a\x1b[31m\nrow"}, {})
    pin(store.root, "pocket", "evil\x1b[2J\n", [])
    text = "".join(crosscal("ls")[1])

    assert "\x1b" not in text
    assert "evil" in text


def test_ls_needs_no_permission_to_write(crosscal, store, chain, monkeypatch):
    def refuse(root):
        raise BadInput("which cannot be written")

    monkeypatch.setattr("bench.store.store.writable_root", refuse)

    assert crosscal("ls")[0] == 0
    assert crosscal("path", "row", chain["row"][1])[0] == 0


def test_verify_of_a_sound_store_ends_with_0(crosscal, store, chain):
    pin(store.root, "pocket", "", [chain["row"]])

    assert crosscal("verify") == (0, ["3 artefacts checked, 0 problems"])


def test_verify_finds_a_flipped_bit_that_size_and_time_hide_and_moves_it_aside(crosscal, store, chain):
    path = home(store, chain["test"]) / "content"
    status = path.stat()
    path.write_bytes(b"y" * 1500)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.find(*chain["test"]) is not None
    status, lines = crosscal("verify")

    (refuge,) = (store.root / "quarantine").iterdir()
    assert status == 1
    assert len(lines) == 2
    assert lines[0].startswith(f"predictions {chain['test'][1][:12]}: {path} has sha256 ")
    assert lines[0].endswith(f"; moved to {refuge}")
    assert lines[1] == "3 artefacts checked, 1 problem"
    assert (refuge / "content").read_bytes() == b"y" * 1500
    assert crosscal("verify") == (0, ["2 artefacts checked, 0 problems"])


def damage_by_truncation(path):
    (path / "content").write_bytes(b"")


def damage_by_another_file(path):
    (path / "more.pickle").write_bytes(b"x")


def damage_by_a_directory(path):
    (path / "content").unlink()
    (path / "content").mkdir()


def damage_by_loss(path):
    (path / "content").unlink()


def damage_of_the_manifest(path):
    (path / "manifest.json").write_text((path / "manifest.json").read_text().replace("xnli", "xnlj"))


def damage_by_a_file_in_its_place(path):
    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    path.write_text("x")


@pytest.mark.parametrize(
    "damage",
    [
        damage_by_truncation,
        damage_by_another_file,
        damage_by_a_directory,
        damage_by_loss,
        damage_of_the_manifest,
        damage_by_a_file_in_its_place,
    ],
)
def test_verify_finds_all_damage(crosscal, store, chain, damage):
    damage(home(store, chain["row"]))
    status, lines = crosscal("verify")

    assert status == 1
    assert lines[0].startswith(f"row {chain['row'][1][:12]}: ")
    assert lines[-1] == "3 artefacts checked, 1 problem"
    assert not home(store, chain["row"]).exists()
    assert len(list((store.root / "quarantine").iterdir())) == 1


def test_verify_finds_swapped_artefacts(crosscal, store, chain):
    other = publish(store, "row", {"id": "b"}, {})
    a, b, aside = home(store, chain["row"]), home(store, other), store.root / "aside"
    a.rename(aside)
    b.rename(a)
    aside.rename(b)

    assert crosscal("verify")[0] == 1
    assert len(list((store.root / "quarantine").iterdir())) == 2


def test_verify_of_one_key(crosscal, store, chain):
    (home(store, chain["row"]) / "content").write_bytes(b"")

    assert crosscal("verify", chain["test"][1][:8]) == (0, ["1 artefact checked, 0 problems"])
    assert crosscal("verify", chain["test"][1], chain["row"][1][:8])[0] == 1
    with pytest.raises(BadInput, match=r"Got key='abcdef0', but nothing in .* has it"):
        crosscal("verify", "abcdef0")
    with pytest.raises(BadInput, match=r"Got key='\.\./a', but a key, or the beginning of one, is 6 to 64 digits"):
        crosscal("verify", "../a")


def test_verify_leaves_what_another_process_works_on_and_tells_it(crosscal, store, chain):
    (home(store, chain["row"]) / "content").write_bytes(b"")
    environment = {**os.environ, "PYTHONPATH": str(Path(bench.__file__).parents[1])}
    arguments = [sys.executable, "-c", HOLDER, str(store.root), *chain["row"]]
    with subprocess.Popen(
        arguments, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        status, lines = crosscal("verify")
        holder.stdin.close()

    assert status == 1
    assert lines[0].endswith("; left where it is, because it is in use or must not be moved")
    assert home(store, chain["row"]).exists()


def test_verify_tells_a_damaged_pin(crosscal, store, chain):
    pin(store.root, "pocket", "", [chain["row"]])
    (store.root / "baselines" / "pocket.json").write_text("{}")
    status, lines = crosscal("verify")

    assert status == 1
    assert lines[0].startswith("damaged pin: ")
    assert lines[1] == "3 artefacts checked, 1 problem"


def test_gc_prints_what_went_and_the_bytes(crosscal, store, chain):
    leftover = store.root / "row" / "ff" / f".tmp-{'f' * 64}-01234567"
    leftover.mkdir(parents=True)
    (leftover / "half").write_bytes(b"x" * 2048)
    line = f"row/ff/{leftover.name}: left by a killed process, 2.0 KiB"

    assert crosscal("gc", "--dry-run") == (0, [line, "1 would be removed, 2.0 KiB to free"])
    assert leftover.exists()
    assert crosscal("gc") == (0, [line, "1 removed, 2.0 KiB freed"])
    assert not leftover.exists()
    assert crosscal("gc") == (0, ["0 removed, 0 B freed"])


def test_gc_spares_what_a_baseline_needs_until_it_is_released(crosscal, store, chain):
    stranger = publish(store, "predictions", {"checkpoint": "f" * 64})
    pin(store.root, "pocket", "", [chain["row"]])
    status, lines = crosscal("gc", "--older-than", "0")
    assert (status, len(lines)) == (0, 2)
    assert stranger[1] in lines[0]
    assert crosscal("gc", "--older-than", "0") == (0, ["0 removed, 0 B freed"])
    announced = crosscal("gc", "--older-than", "0", "--release", "pocket", "--dry-run")[1]
    assert len(pins(store.root)) == 1
    assert crosscal("gc", "--older-than", "0", "--release", "pocket")[1][:-1] == announced[:-1]
    assert list(stored(store.root)) == []
    assert pins(store.root) == []


def test_gc_with_a_broken_pin_removes_nothing(crosscal, store, chain):
    pin(store.root, "pocket", "", [])
    (store.root / "baselines" / "pocket.json").write_text("")
    with pytest.raises(Corrupt, match=r"pocket\.json is no pin"):
        crosscal("gc", "--older-than", "0")

    assert len(list(stored(store.root))) == 3


def test_path_of_a_key_and_of_its_beginning(crosscal, store, chain):
    kind, key = chain["row"]

    for digits in (6, 12, 64):
        assert crosscal("path", kind, key[:digits]) == (0, [str(home(store, chain["row"]))])


def test_path_says_when_none_or_several_fit(crosscal, store, chain):
    for key in ("abcdef" + "0" * 58, "abcdef" + "1" * 58):
        store.publish("row", key, {}, {}, lambda directory: (directory / "content").touch())

    with pytest.raises(
        BadInput, match=r"Got key='abcdef', with which 2 keys begin; give more digits.*: abcdef0+, abcd"
    ):
        crosscal("path", "row", "abcdef")
    with pytest.raises(BadInput, match=r"Got key='000000', but no row in .* has it; see `crosscal store ls --kind"):
        crosscal("path", "row", "000000")
    with pytest.raises(BadInput, match="but no checkpoint in"):
        crosscal("path", "checkpoint", "abcdef0")
    for bad in (chain["row"][1][:5], "../../", "ABCDEF", "abcdef\n", "0" * 65):
        with pytest.raises(BadInput, match="is 6 to 64 digits of 0-9 and a-f"):
            crosscal("path", "row", bad)


@pytest.mark.parametrize("words", [["ls"], ["verify"], ["gc"], ["path", "row", "abcdef"]])
def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path, words):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    with pytest.raises(BadInput, match=r"Got store='.*nowhere', which is no directory; name one with --store"):
        command.run(parser.parse_args([*words, "--store", str(tmp_path / "nowhere")]))

    assert not (tmp_path / "nowhere").exists()


def test_the_store_is_the_default_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CROSSCAL_HOME", str(tmp_path))
    parser = argparse.ArgumentParser()
    command.configure(parser)

    assert command.run(parser.parse_args(["ls"])) == 0
    assert "all artefacts: 0, 0 B" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB"), (2**41, "2.0 TiB")],
)
def test_sizes_are_told_in_units_people_read(size, text):
    assert command.size_text(size) == text
