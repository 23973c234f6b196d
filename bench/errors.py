"""Every error the instrument raises on purpose; each message names the thing, its value and the way out."""


class CrosscalError(Exception):
    """Base class of all documented errors."""


class BadInput(CrosscalError, ValueError):
    """An argument, option, file or directory given by the user does not fit."""


class DataError(CrosscalError, ValueError):
    """A data file's checksum, schema or label set differs from what the catalog states."""


class TrainingFailed(CrosscalError, RuntimeError):
    """A training run ended without a usable checkpoint (for example a loss that is not a number)."""


class Corrupt(CrosscalError, RuntimeError):
    """A stored artefact does not match its manifest."""


class StoreFailed(CrosscalError, RuntimeError):
    """The store cannot be written: the disk is full, or permission was taken away."""


class Unavailable(CrosscalError, RuntimeError):
    """Something is known, before any work starts, not to be there: the case is skipped with this reason.

    `needs` is the word `--require` takes: one of "hub", "gpu", "weights", "data", "budget".
    """

    def __init__(self, needs: str, reason: str) -> None:
        super().__init__(f"needs {needs}: {reason}")
        self.needs = needs
        self.reason = reason


class UpstreamFailed(CrosscalError, RuntimeError):
    """An artefact this one is made from failed earlier in the session."""
