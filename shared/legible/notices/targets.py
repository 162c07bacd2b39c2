"""The targets that the settings name to be told when a document ends."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta, Struct

EndStatus = Literal["done", "partial", "rejected", "held", "dead"]
#: Used in keys of objects and in logs.
TargetName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
#: ``urn:smn:<region>:<project>:<topic>`` (SMN API Reference, Publish).
TopicUrn = Annotated[str, Meta(pattern=r"^urn:smn:[a-z0-9-]+:[0-9a-zA-Z]+:[\w-]{1,255}$")]
ChannelId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,64}$")]
SourceName = Annotated[str, Meta(pattern=r"^[0-9A-Za-z][\w.-]{0,127}$")]
#: In capitals, so that a secret that is put there by mistake is refused.
VariableName = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class _Target(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """The settings that all targets have.

    ``match`` is a pattern of keys (``*`` also crosses ``/``), ``on`` the statuses it is told of, ``fields`` the
    names of recognized fields whose values go with the notice: none, unless they are asked for.
    """

    match: str = "*"
    on: Annotated[tuple[EndStatus, ...], Meta(min_length=1)] = ("done", "partial", "rejected", "held", "dead")
    fields: tuple[str, ...] = ()

    def wants(self, key: str, status: str) -> bool:
        """Tell whether the target is told of a document that ended with that status."""
        return status in self.on and fnmatchcase(key, self.match)


class Smn(_Target, frozen=True, tag="smn"):
    """A topic of Simple Message Notification."""

    topic_urn: TopicUrn


class EventGrid(_Target, frozen=True, tag="eventgrid"):
    """A custom channel of EventGrid; ``source`` is the name of its custom event source."""

    channel_id: ChannelId
    source: SourceName


class Webhook(_Target, frozen=True, tag="webhook"):
    """A URL that is posted to; ``secret`` names the user variable with the secret that requests are signed with."""

    url: str
    secret: VariableName


Target = Smn | EventGrid | Webhook
