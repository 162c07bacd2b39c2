"""Requests that are done once, however often they are sent: the reply is kept under the sender's own key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from legible.api.calls import Call
from legible.api.problems import ProblemError
from legible.errors import BusyError, RejectedError
from legible.ledger.lines import SKEW_SECONDS, Lines
from legible.model import layout
from legible.ports import Invocation, Site

_ONCE = re.compile(r"[!-~]{0,255}")
_Value = TypeVar("_Value", bound=Struct)


def once_of(call: Call) -> str:
    """Return the sender's own key of a request; empty if it has none.

    Raises:
        ProblemError: 422, it is no such key.
    """
    once = call.request.headers.get("idempotency-key", "").strip()
    if not _ONCE.fullmatch(once):
        raise ProblemError(
            422,
            "idempotency-key-unfit",
            "The idempotency key does not fit.",
            "Use at most 255 printable ASCII letters.",
        )
    return once


class KeptReply(Struct, frozen=True):
    """One line of a request's journal: who serves it until when, what it asks, and the reply, once there is one."""

    owner: str
    fingerprint: str
    until: datetime
    reply: Any = None


class Once:
    """Does what requests ask once.

    Args:
        site: Its output bucket holds their journals; a lifecycle rule removes them.
        call: The invocation: gives its name, the time, and the time left.
        settle: Seconds after which a line is read back.
    """

    def __init__(self, site: Site, call: Invocation, settle: float) -> None:
        """Do nothing yet."""
        self._site = site
        self._call = call
        self._settle = settle

    def done(self, once: str, whose: str, asked: Struct, work: Callable[[], _Value], kind: type[_Value]) -> _Value:
        """Do something, or return the reply to the same request where it was done before.

        Args:
            once: The sender's own key; empty to do it in any case.
            whose: What keys of one sender are told apart from those of others by.
            asked: What is asked.
            work: Does it.
            kind: The type of the reply.

        Raises:
            BusyError: The same request is being served.
            RejectedError: The key was used for another request.
        """
        if not once:
            return work()
        digest = hashlib.sha256(f"{whose}\0{asked.__class__.__name__}\0{once}".encode()).hexdigest()[:32]
        ref = self._site.in_output(layout.request(digest))
        lines = Lines(self._site.store, ref, self._call.pause, name="The request's journal")
        until = self._call.now() + timedelta(seconds=self._call.remaining())
        mine = KeptReply(self._call.owner, hashlib.sha256(msgspec.json.encode(asked)).hexdigest(), until)
        known, begun = lines.add(lambda before: self._line(before, mine), self._settle)
        if not begun:
            return msgspec.convert(_last(known).reply, kind, strict=False)
        reply = work()
        lines.put(_encoded(structs.replace(mine, reply=msgspec.to_builtins(reply))))
        return reply

    def _line(self, before: bytes, mine: KeptReply) -> bytes | None:
        """Return the line that says who serves a request; None where there is a reply."""
        if not before:
            return _encoded(mine)
        last = _last(before)
        if last.fingerprint != mine.fingerprint:
            raise RejectedError(
                "The idempotency key was used for another request.",
                code="idempotency-key-reused",
                advice="Use a new key for every new request.",
            )
        if last.reply is not None:
            return None
        if self._call.now() < last.until + timedelta(seconds=SKEW_SECONDS):
            raise BusyError("The same request is being served.", advice="Send it again in a moment.")
        return _encoded(mine)


def _last(lines: bytes) -> KeptReply:
    return msgspec.json.decode(lines.splitlines()[-1], type=KeptReply)


def _encoded(line: KeptReply) -> bytes:
    return msgspec.json.encode(line) + b"\n"
