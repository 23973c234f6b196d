"""Pickled weights to safetensors: the one place where a pickle is read, asked for by name, in a process of its own.

torch.load with weights_only builds tensors and plain containers and calls nothing else; what asks for more is refused.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.canonical import file_digest
from bench.errors import BadInput, DataError
from bench.modeling.directory import TOKENIZER_FILES, read_config
from bench.strict_json import parse_json

PROVENANCE = "provenance.json"
_WHOLE = "pytorch_model.bin"
_INDEX = "pytorch_model.bin.index.json"
_SHARD = re.compile(r"pytorch_model-(\d{5}-of-\d{5})\.bin\Z")
_REFUSED = 3


def convert(source: Path, target: Path) -> Path:
    """Make the model directory `target` of `source`, whose weights are pytorch_model.bin or its shards; return it.

    Weights become safetensors of equal values; configuration and tokenizer are copied, nothing else is, and
    provenance.json says which files (sha256) all came from. Raises BadInput when `target` exists or `source` lacks
    something, DataError for a pickle that holds more than tensors and for files that are not one model.
    """
    if os.path.lexists(target):
        raise BadInput(f"Got target {target}, which exists, and nothing is overwritten; name a new directory.")
    read_config(source)
    weights = _pickles(source)
    copied = [name for name in ("config.json", *TOKENIZER_FILES) if (source / name).is_file()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as aside:
            made = Path(aside) / "made"
            made.mkdir()
            _run(source, weights, made)
            for name in copied:
                shutil.copyfile(source / name, made / name)
            _state(source, [*weights, *copied], made)
            made.rename(target)
    except OSError as error:
        raise BadInput(
            f"Cannot convert {source} to {target} ({error.strerror or error}); check both directories."
        ) from error
    return target


def write_safetensors(source: Path, made: Path, names: Sequence[str]) -> None:
    """Write the safetensors of the pickles `names` of `source` into `made`: the part that `convert` gives to a process.

    Raises DataError for a pickle that holds more than tensors and for files that are not one model.
    """
    places: dict[str, str] = {}
    for name in names:
        shard = _SHARD.match(name)
        written = f"model-{shard[1]}.safetensors" if shard else "model.safetensors"
        tensors = _tensors(source / name)
        if twice := sorted(places.keys() & tensors.keys()):
            raise DataError(f"{source / name} holds {twice[0]!r}, which another file holds too; fetch the model again.")
        _save(tensors, made / written, source / name)
        places |= dict.fromkeys(tensors, written)
    if names == [_WHOLE]:
        return
    if lacking := sorted(_weight_map(source / _INDEX).keys() ^ places.keys()):
        raise DataError(f"{source / _INDEX} and the files it lists differ in {lacking[0]!r}; fetch the model again.")
    index = json.dumps({"metadata": {}, "weight_map": places}, indent=2, sort_keys=True)
    (made / "model.safetensors.index.json").write_text(index + "\n", encoding="utf-8")


def _pickles(source: Path) -> list[str]:
    """Return the names of the pickled weight files; raises BadInput where there are none, or some are missing."""
    if (source / _WHOLE).is_file():
        return [_WHOLE]
    if not (source / _INDEX).is_file():
        raise BadInput(f"{source} holds neither {_WHOLE} nor {_INDEX}, so there is nothing to convert.")
    names = sorted(set(_weight_map(source / _INDEX).values()))
    for name in names:
        if not (source / name).is_file():
            raise BadInput(f"{source} lacks {name}, which {_INDEX} lists; fetch the model again.")
    return names


def _weight_map(path: Path) -> dict[str, str]:
    """Return the file of each tensor; raises DataError unless all of them are shards, beside the index."""
    try:
        index = parse_json(path.read_bytes())
        found = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(found, dict) or not found:
            raise ValueError("it has no weight_map")
        for name in found.values():
            if not isinstance(name, str) or not _SHARD.match(name):
                raise ValueError(f"{name!r} is no pytorch_model-00001-of-00002.bin")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no index of weights ({error}); fetch the model again.") from error
    return found


def _run(source: Path, weights: Sequence[str], made: Path) -> None:
    # -P and this path: nothing beside the source, or where the command was given, can take the place of a module.
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-P", "-m", __name__, str(source.absolute()), str(made.absolute()), *weights]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode == _REFUSED and lines:
        raise DataError(lines[-1])
    if done.returncode != 0:
        reason = lines[-1] if lines else "it said nothing"
        raise DataError(f"Reading the weights in {source} ended with status {done.returncode} ({reason}).")


def _state(source: Path, names: Sequence[str], made: Path) -> None:
    from bench.weights import read_note

    conversion = {
        "by": "crosscal mirror convert",
        "files": {name: file_digest(source / name) for name in sorted(names)},
        "libraries": {name: importlib.metadata.version(name) for name in ("torch", "safetensors")},
    }
    # What the source says of its weights (that they are random, or quantised) is true of these too.
    note = {**read_note(source / PROVENANCE), "converted": conversion}
    (made / PROVENANCE).write_text(json.dumps(note, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _tensors(path: Path) -> dict[str, Any]:
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # A pickle can make torch raise nearly anything.
        # The message goes on to say how to read it all the same, which is no advice.
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it asks for {asked[1]}" if asked else type(error).__name__
        raise DataError(
            f"{path} is no pickle of tensors alone ({reason}), and nothing else is read; "
            "get safetensors from whom you have it."
        ) from error
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path} holds no tensors by name; give the file that save_pretrained wrote.")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise DataError(
                f"{path} holds a {type(value).__name__} under {name!r}, but weights are tensors by name; "
                "give the file that save_pretrained wrote."
            )
    return found


def _save(tensors: dict[str, Any], path: Path, source: Path) -> None:
    from safetensors.torch import save_file

    try:
        save_file(_apart(tensors), path, metadata={"format": "pt"})
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{source} cannot be written as safetensors ({error}).") from error


def _apart(tensors: dict[str, Any]) -> dict[str, Any]:
    """Return contiguous tensors, no two in one memory (as tied embeddings are), which safetensors does not take."""
    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().contiguous()
        place = plain.untyped_storage().data_ptr()
        own[name] = plain.clone() if place in seen else plain
        seen.add(place)
    return own


if __name__ == "__main__":
    try:
        write_safetensors(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
    except DataError as problem:
        print(problem, file=sys.stderr)
        sys.exit(_REFUSED)
