"""The engine's error for what it cannot read, with the code the real service would use."""

from __future__ import annotations


class EngineError(Exception):
    """A document that is not recognized here.

    ``code`` is one of AIS.0101 (parameter), AIS.0102 (format), AIS.0103 (size), AIS.0104 (image type or quality) and
    AIS.0105 (recognition failed); or, where the same call may succeed later, ModelArts.4401 (too many at once) and
    ModelArts.4403 (the service ends). ``message`` starts with "embedded engine:", so that no reader takes it for the
    cloud's own answer.
    """

    def __init__(self, code: str, message: str) -> None:
        """Make the error; the message is given without its "embedded engine:", with or without a full stop."""
        self.code = code
        self.message = f"embedded engine: {message.removesuffix('.')}."
        super().__init__(f"{code} {self.message}")


def refused_option(name: str, why: str) -> EngineError:
    """Make the error for an option that cannot be honored honestly."""
    return EngineError("AIS.0101", f"parameter {name}: {why}")
