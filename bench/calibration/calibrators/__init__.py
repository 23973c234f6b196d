"""Recalibration maps: how each is fitted on outcomes, and how it changes them."""
