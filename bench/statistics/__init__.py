"""Resampling and contrasts: pure functions of outcomes."""
