"""A signed upload is good for one content: OBS cannot bind that, so whoever reads the uploads does.

A signed request can be sent again until it expires, each time with another file, and each would be paid for. Where its
MD5 is signed too, OBS refuses the others. Where it is not, the ticket's key says that it is to be used once: the key is
part of what is signed. The first content that passes intake is noted in a small journal; another one is not paid for.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec
from msgspec import Struct

from legible.errors import TicketUsedError
from legible.ledger.content import md5_of
from legible.ledger.lines import Lines
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Invocation, Site

#: What the unique part of a ticket's key begins with; see ``Submitter.key_of``.
ONCE = "once-"
_TICKET = re.compile(rf"(^|/)[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}-{ONCE}[0-9a-f]{{32}}/")


class Used(Struct, frozen=True):
    """The line of a ticket's journal: the content that it was used for, by its MD5, and when that was seen."""

    content: str
    at: datetime


class Tickets:
    """Knows what the tickets of signed uploads were used for.

    Args:
        site: Where tickets are noted.
        call: The invocation: gives the time, and a way to wait.
        settle: Seconds after which a new line is read back.
    """

    def __init__(self, site: Site, call: Invocation, settle: float) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._settle = settle

    def use(self, document: Document) -> None:
        """Use the ticket that a document came by, if it came by one that is good for one content only.

        The same content may come any number of times: an event that is delivered again, an upload that is repeated.

        Raises:
            TicketUsedError: Another content came first.
            UnavailableError: The journal takes no line.
            HeldError: The store refuses.
        """
        if _TICKET.search(document.key) is None:
            return
        content = md5_of(self._site.store, document) or document.etag or document.version
        line = msgspec.json.encode(Used(content, self._call.now())) + b"\n"
        ref = self._site.in_output(layout.ticket(document))
        lines = Lines(self._site.store, ref, self._call.pause, name="The journal of an upload ticket")
        all_lines, _ = lines.add(lambda before: None if before else line, self._settle)
        first = msgspec.json.decode(all_lines.splitlines()[0], type=Used)
        if first.content != content:
            raise TicketUsedError(
                f"{document.ref} was uploaded by a ticket that was used for another content before.",
                advice="A signed upload is good for one file. Ask for another one: POST /v1/uploads.",
            )
