"""Memory: the peak of a piece of work, and what an allocation that failed looks like."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys

import torch

# How torch says on a CPU that the system gave no memory; on a GPU there is an error of its own.
_CPU_REFUSAL = "DefaultCPUAllocator: can't allocate memory"


def reset_peak(device: torch.device) -> None:
    """Let the peak of `device` begin now; a CPU's is that of the process and begins with it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Return the most bytes that torch has held on a GPU since `reset_peak`, on a CPU that the process has held."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that memory for a tensor could not be had, on a GPU or on a CPU."""
    return isinstance(error, torch.OutOfMemoryError) or (isinstance(error, RuntimeError) and _CPU_REFUSAL in str(error))


def release(device: torch.device) -> None:
    """Give the system back what no tensor uses any more and the allocators of torch and glibc keep.

    Tensors of many lengths leave holes, which glibc's malloc keeps: trainings in a row held gigabytes of nothing.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
