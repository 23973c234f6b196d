"""A hub that fails for a moment, half way or for good: bounded retries, clear errors, nothing lost, no half file."""

import pytest

from tests.hub_stand_in import Fault, Repo, StandIn, serving
from tests.test_hub import REPORT, run

BODY = b"weights" * 4000
FILES = {"config.json": b"{}", "model.safetensors": BODY, "tokenizer.json": b'{"version": "1.0"}'}
SIZES = {name: len(content) for name, content in FILES.items()}
# So small that the hub's client library sees progress in half a file.
CHUNK = 64

# Pauses are noted and not made, those of the hub's client library included.
FETCH = f"""
import json, time
from pathlib import Path

from bench.data import hub
from huggingface_hub import constants
{REPORT}
constants.DOWNLOAD_CHUNK_SIZE = {CHUNK}
pauses = []
time.sleep = pauses.append

def fetch(name):
    fetched = hub.fetch_model(f"someone/{{name}}", "")
    assert {{path.name: path.stat().st_size for path in fetched.directory.iterdir()}} == {SIZES}

def reports(names):
    found = {{}}
    for name in names:
        pauses.clear()
        [said] = report({{name: lambda: fetch(name)}}).values()
        found[name] = [said, list(pauses)]
    return found
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("repo")
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    return path


def hub_with(directory, faults):
    """A stand-in in which the model someone/NAME has the fault of that NAME at a part of its addresses."""
    repos = tuple(Repo("models", f"someone/{name}", directory) for name in faults)
    placed = {part.format(name=f"someone/{name}"): fault for name, (part, fault) in faults.items()}
    return StandIn(repos, faults=placed)


def fetch_all(stand_in, home, *, names=None, setup="", **environment):
    """Fetch the models in one process; return what each said, the pauses it made, and its requests."""
    names = [repo.id.removeprefix("someone/") for repo in stand_in.repos] if names is None else names
    found = run(f"{FETCH}\n{setup}\nfound = reports({names!r})", home, HF_ENDPOINT=stand_in.url, **environment)
    return found, {name: [line for line in stand_in.requests if f"someone/{name}/" in f"{line}/"] for name in names}


def asked(requests, method, file):
    return sum(line.startswith(f"{method} ") and line.endswith(file) for line in requests)


API, WEIGHTS = "/api/models/{name}", "/{name}/resolve/0123456789abcdef0123456789abcdef01234567/model.safetensors"
STATUSES = (408, 429, 500, 502, 503, 504)


def test_a_trouble_that_passes_costs_pauses_and_nothing_else(directory, tmp_path):
    faults = {f"api-{status}": (API, Fault(status, 2)) for status in (429, 503)}
    faults |= {f"file-{status}": (WEIGHTS, Fault(status, 2)) for status in STATUSES}
    faults |= {what: (WEIGHTS, Fault(what, 2)) for what in ("cut", "short", "reset")}
    faults |= {f"listing-{what}": (API, Fault(what, 2)) for what in ("cut", "short", "reset")}
    faults["later"] = API, Fault(429, 1, retry_after="7")
    with serving(hub_with(directory, faults)) as stand_in:
        found, requests = fetch_all(stand_in, tmp_path)

    assert {said for said, _ in found.values()} == {"no error"}
    for status in (429, 503):
        assert found[f"api-{status}"][1] == [1.0, 2.0]
        assert asked(requests[f"api-{status}"], "GET", "/revision/main") == 3
    for status in STATUSES:
        assert found[f"file-{status}"][1] == [1.0, 2.0]
        assert asked(requests[f"file-{status}"], "HEAD", "model.safetensors") == 3
        assert asked(requests[f"file-{status}"], "GET", "model.safetensors") == 1
    assert found["later"][1] == [7.0]
    for what in ("cut", "short", "reset"):
        assert asked(requests[what], "GET", "model.safetensors") == 3
        assert asked(requests[what], "GET", "config.json") == 1


def test_a_trouble_that_stays_is_a_data_error_after_three_tries(directory, tmp_path):
    faults = {f"file-{status}": (WEIGHTS, Fault(status)) for status in STATUSES}
    faults |= {what: (WEIGHTS, Fault(what)) for what in ("cut", "short", "reset")}
    faults |= {f"listing-{what}": (API, Fault(what)) for what in ("cut", "short", "reset")}
    faults["api"] = API, Fault(503)
    with serving(hub_with(directory, faults)) as stand_in:
        found, requests = fetch_all(stand_in, tmp_path)
        url = stand_in.url

    for name, (said, _) in found.items():
        where = f"model someone/{name} at revision main"
        assert said.startswith(f"DataError: {url} "), said
        assert f" for {where} (" in said
        assert said.endswith(" in try 3 of 3. Run again later, which fetches what is still missing, or use a mirror.")
    for status in STATUSES:
        assert f"DataError: {url} answered {status} for model someone/file-{status} at" in found[f"file-{status}"][0]
        assert f"({url}/someone/file-{status}/resolve/" in found[f"file-{status}"][0]
        assert found[f"file-{status}"][1] == [1.0, 2.0]
        assert asked(requests[f"file-{status}"], "HEAD", "model.safetensors") == 3
    assert found["api"][0].startswith(
        f"DataError: {url} answered 503 for model someone/api at revision main ({url}/api/"
    )
    for name in ("cut", "short", "reset", "listing-cut", "listing-short", "listing-reset"):
        assert found[name][0].startswith(f"DataError: {url} gave no whole answer for model someone/{name}")
    for name in ("cut", "short", "reset"):
        # The answers to a request that resumes are counted apart from those to the first.
        assert 3 <= asked(requests[name], "GET", "model.safetensors") <= 4
        assert asked(requests[name], "GET", "config.json") == 1
        assert stored(tmp_path, name) == {name: content for name, content in FILES.items() if content is not BODY}


def stored(home, name):
    """The files of the model in the cache, by name; what is being downloaded would show as another blob."""
    repo = home / "hub" / f"models--someone--{name}"
    found = {path.name: path.read_bytes() for path in (repo / "snapshots").glob("*/*")}
    assert len(list((repo / "blobs").iterdir())) == len(found)
    return found


def test_a_second_run_fetches_what_is_missing_and_no_more(directory, tmp_path):
    ill = hub_with(directory, {"cut": (WEIGHTS, Fault("cut"))})
    with serving(ill):
        fetch_all(ill, tmp_path)
    well = hub_with(directory, {"cut": (WEIGHTS, Fault("cut", 0))})
    with serving(well):
        found, requests = fetch_all(well, tmp_path)
    fetched = {line.rpartition("/")[2] for line in requests["cut"] if "/resolve/" in line}

    assert found["cut"][0] == "no error"
    assert fetched == {"model.safetensors"}
    assert stored(tmp_path, "cut") == FILES


@pytest.mark.parametrize("place", [API, WEIGHTS])
def test_a_refusal_is_not_asked_again(directory, tmp_path, place):
    with serving(hub_with(directory, {str(status): (place, Fault(status)) for status in (401, 403, 404)})) as stand_in:
        found, requests = fetch_all(stand_in, tmp_path)

    for status in ("401", "403", "404"):
        said, pauses = found[status]
        assert said.startswith(f"DataError: {stand_in.url} answered {status} for model someone/{status} at revision ma")
        assert pauses == []
        assert len(requests[status]) == len(set(requests[status]))


def test_a_pause_that_is_too_long_is_not_made_and_no_try_follows(directory, tmp_path):
    with serving(hub_with(directory, {"long": (API, Fault(429, retry_after="3600"))})) as stand_in:
        found, requests = fetch_all(stand_in, tmp_path)

    said, pauses = found["long"]
    assert said.startswith(f"DataError: {stand_in.url} answered 429 for model someone/long at revision main (")
    assert ") in try 1 of 3; it wants a pause of 3600 s. Run again later, which" in said
    assert (pauses, len(requests["long"])) == ([], 1)


@pytest.mark.parametrize("place", ["/api/models/{name}/tree/", WEIGHTS], ids=["listing", "file"])
def test_a_hub_that_goes_away_half_way_is_unavailable_from_then_on(directory, tmp_path, place):
    stand_in = hub_with(directory, {"gone": (place, Fault("gone")), "next": (API, Fault("cut", 0))})
    with serving(stand_in):
        found, _ = fetch_all(stand_in, tmp_path)

    for name in ("gone", "next"):
        said = found[name][0]
        assert said.startswith(f"Unavailable: needs hub: {stand_in.url} cannot be reached (")
        assert said.endswith(f"; the cache lacks model someone/{name} at revision main")
    # The hub's client library alone would make two pauses of 8 s too.
    assert set(found["gone"][1]) <= {1, 2, 4}
    assert found["next"][1] == []
    if place == WEIGHTS:
        assert "model.safetensors" not in stored(tmp_path, "gone")


def test_a_hub_that_falls_silent_is_not_waited_for_without_end(directory, tmp_path):
    with serving(hub_with(directory, {"silent": (API, Fault("silent"))})) as stand_in:
        found, requests = fetch_all(stand_in, tmp_path, HF_HUB_DOWNLOAD_TIMEOUT="1")

    assert found["silent"][0].startswith(f"DataError: {stand_in.url} gave no whole answer for model someone/silent at ")
    assert len(requests["silent"]) == 3


def test_what_the_cache_has_whole_is_used_while_the_hub_is_busy(directory, tmp_path):
    well = hub_with(directory, {"model": (API, Fault(503, 0))})
    with serving(well):
        fetch_all(well, tmp_path)
    busy = hub_with(directory, {"model": (API, Fault(503)), "other": (API, Fault(503))})
    with serving(busy):
        found, _ = fetch_all(busy, tmp_path)

    assert found["model"] == ["no error", [1.0, 2.0]]
    assert found["other"][0].startswith("DataError: ")


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
"""


def test_a_disk_without_room_is_named_with_the_way_out_and_keeps_no_half_file(directory, tmp_path):
    with serving(hub_with(directory, {"model": (API, Fault(503, 0))})) as stand_in:
        full, _ = fetch_all(stand_in, tmp_path, setup=FULL)
        kept = stored(tmp_path, "model")
        roomy, _ = fetch_all(stand_in, tmp_path)

    said, pauses = full["model"]
    assert said.startswith("BadInput: Cannot keep model someone/model at revision main in the hub's cache (")
    assert said.endswith("File too large); make room there, or name another directory with HF_HOME.")
    assert pauses == []
    assert "model.safetensors" not in kept
    assert roomy["model"][0] == "no error"


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(directory, tmp_path):
    (tmp_path / "file").touch()
    with serving(hub_with(directory, {"model": (API, Fault(503, 0))})) as stand_in:
        found, _ = fetch_all(stand_in, tmp_path / "file" / "home")

    assert found["model"][0].startswith("BadInput: Cannot keep model someone/model at revision main in the hub's cache")
