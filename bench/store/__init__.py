"""The content-addressed store: artefacts with manifests, shared by processes. A leaf; it knows no training."""

from bench.store.failures import Failure, Failures
from bench.store.location import KINDS, default_root
from bench.store.manifest import FileRecord, Manifest
from bench.store.store import Entry, Store

__all__ = ["KINDS", "Entry", "Failure", "Failures", "FileRecord", "Manifest", "Store", "default_root"]
