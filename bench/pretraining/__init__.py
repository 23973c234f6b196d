"""Pretraining of the pocket models on artificial corpora: an XLM-R in miniature. Recipe and results: docs/worlds.md."""
