"""Outcomes, metrics and calibrators: pure functions of stored predictions, in float64, without torch."""
