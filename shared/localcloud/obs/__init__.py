"""The local OBS."""

from localcloud.obs.errors import ObsError
from localcloud.obs.events import Created, Envelope, Subscription
from localcloud.obs.server import LocalObs, Stored

__all__ = ["Created", "Envelope", "LocalObs", "ObsError", "Stored", "Subscription"]
