"""A local SMN and EventGrid: what is published is checked as the services check it, and kept to be looked at."""

from localcloud.notices.server import LocalMessages, Message

__all__ = ["LocalMessages", "Message"]
