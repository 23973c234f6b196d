"""crosscal: calibration of zero-shot cross-lingual transfer, as an instrument that knows nothing of pytest."""

__version__ = "0.1.0"
