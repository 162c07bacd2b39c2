"""What commands do is audited: under the name of this computer's user, before it is done."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from legible.oversight.audit_trail import AuditDesk
from legible.wiring import audit
from legible_cli.connection import Connection, told

#: How long whoever calls a command waits for that, in seconds.
_SECONDS = 60.0


def operator() -> str:
    """Return who acts, as the audit trail names them."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return "cli"


@contextmanager
def audited(connection: Connection, name: str, kind: str, resource: str, **details: str) -> Iterator[None]:
    """Keep the event of what is done in the ``with`` block; one of a failure follows if it fails.

    Args:
        connection: Where the command works.
        name: The event's name.
        kind: The type of what it is done to.
        resource: The name of that.
        details: More words of ours.

    Raises:
        click.ClickException: It cannot be audited; then it is not done.
    """
    desk: AuditDesk = audit.desk(connection.parts("audit", _SECONDS), operator())
    asked = told(desk.record, name, kind, resource, details=details)
    try:
        yield
    except Exception as error:
        told(desk.record, name, kind, resource, status="warning", details={"of": asked, "code": type(error).__name__})
        raise
