"""What commands do is audited: under the name of this computer's user, before it is done."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from legible.errors import LegibleError
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
def audited(
    connection: Connection, name: str, kind: str, resource: str, **details: str
) -> Iterator[Callable[[str], None]]:
    """Keep the event of what is done in the ``with`` block; one of a failure follows if it fails, or is interrupted.

    Args:
        connection: Where the command works.
        name: The event's name.
        kind: The type of what it is done to.
        resource: The name of that.
        details: More words of ours.

    Yields:
        What keeps the event of a failure that is not raised, given a word for it. That it cannot be kept is said, and
        hides no other error.

    Raises:
        click.ClickException: It cannot be audited; then it is not done.
    """
    desk: AuditDesk = audit.desk(connection.parts("audit", _SECONDS), operator())
    asked = told(desk.record, name, kind, resource, details=details)

    def failed(code: str) -> None:
        try:
            desk.record(name, kind, resource, status="warning", details={"of": asked, "code": code})
        except LegibleError as error:
            click.echo(f"That it failed could not be audited: {error}", err=True)

    try:
        yield failed
    except (Exception, KeyboardInterrupt) as error:
        failed(_code(error))
        raise


def _code(error: BaseException) -> str:
    """Return the word for an error: that of Legible's own one, which the command tells as a sentence."""
    own = error if isinstance(error, LegibleError) else error.__context__
    return own.reason_code if isinstance(own, LegibleError) else type(error).__name__
