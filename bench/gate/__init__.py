"""The gate: a run against a committed baseline, with four verdicts; what is missing fails."""
