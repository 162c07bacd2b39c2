"""A local CTS: what the account's users did, to be listed and sent to functions."""

from localcloud.cts.server import LocalCts
from localcloud.cts.traces import Recorded

__all__ = ["LocalCts", "Recorded"]
