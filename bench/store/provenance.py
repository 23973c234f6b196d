"""What the bytes of a result can depend on beside its recipe: device, threads, instruction set, library versions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench.canonical import digest

_LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow")
# Bytes are equal only where these are.
_COMPARED = ("device", "threads", "isa", "libraries")
_VECTOR_FLAGS = ("sse", "ssse", "avx", "fma", "f16c", "amx", "vnni", "asimd", "sve", "sme", "neon", "bf16", "i8mm")
# Settings by which a library uses less than the processor offers.
_ISA_LIMITS = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "NPY_DISABLE_CPU_FEATURES",
)
# Those that decide how fast a matrix product is.
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "bf16", "sve")
_LEVELS = (("avx512f", "avx512"), ("avx2", "avx2"), ("avx", "avx"), ("sve", "sve"), ("asimd", "neon"))


def collect(device: str = "cpu") -> dict[str, Any]:
    """Return the provenance of a computation on `device` ("cpu", "cuda", "cuda:1") here and now, as plain values.

    Does not import torch: before it is imported, the thread count and the name of a GPU are None, not yet known.
    """
    return {
        "device": _device(device),
        "threads": _threads(),
        "isa": _isa(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "processor": _cpuinfo("model name") or platform.processor(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "code": code_hash(),
    }


def origin(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a provenance that bytes depend on beside the recipe."""
    return {name: provenance.get(name) for name in _COMPARED}


def same_provenance(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Say whether equal recipes should give equal bytes under both; what either leaves unknown does not differ."""
    pairs = ((a.get(name), b.get(name)) for name in _COMPARED)
    return all(left is None or right is None or left == right for left, right in pairs)


@cache
def code_hash() -> str:
    """Return the sha256 over the names and contents of all Python sources of `bench`."""
    package = Path(__file__).parents[1]
    sources = sorted((path.relative_to(package).as_posix(), path) for path in package.rglob("*.py"))
    return digest([(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in sources])


def cpu_features() -> tuple[str, ...]:
    """Return the instruction sets of this processor that matrix products use, in the kernel's words."""
    flags = set(_cpu_flags())
    return tuple(name for name in _FEATURES if name in flags)


def _device(device: str) -> str | None:
    if device == "cpu":
        return "cpu"
    torch = sys.modules.get("torch")
    return None if torch is None else str(torch.cuda.get_device_name(device))


def _threads() -> int | None:
    # Only torch knows: it takes physical cores, logical ones or OMP_NUM_THREADS, depending on how it was built.
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def _isa() -> str:
    return _isa_within(tuple((name, os.environ[name]) for name in _ISA_LIMITS if name in os.environ))


@cache
def _isa_within(limits: tuple[tuple[str, str], ...]) -> str:
    flags = sorted(flag for flag in _cpu_flags() if flag.startswith(_VECTOR_FLAGS))
    level = next((level for flag, level in _LEVELS if flag in flags), "baseline")
    # The vendor counts, because MKL chooses other kernels for it.
    return f"{platform.machine()}-{level}-{digest([_cpuinfo('vendor_id'), flags, dict(limits)])[:12]}"


def _cpu_flags() -> list[str]:
    return (_cpuinfo("flags") or _cpuinfo("Features")).split()


@cache
def _cpuinfo(field: str) -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == field), "")


@cache
def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
