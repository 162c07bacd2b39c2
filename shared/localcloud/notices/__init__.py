"""A local SMN and EventGrid: they check messages as the services do, and keep them to be looked at."""

from localcloud.notices.server import LocalMessages, Message

__all__ = ["LocalMessages", "Message"]
