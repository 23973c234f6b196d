"""Artificial worlds: languages made from stated factors, tasks with known posteriors. See docs/worlds.md."""

from bench.data.artificial.all_tasks import artificial_split
from bench.data.artificial.languages import WORLDS, LanguageFacts, describe, language_tokens
from bench.data.artificial.tasks import nli_split

__all__ = ["WORLDS", "LanguageFacts", "artificial_split", "describe", "language_tokens", "nli_split"]
