"""What commands do is audited: under the name of this computer's user, and by whose keys, before it is done."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from legible.errors import LegibleError
from legible.oversight.audit_trail import AuditDesk
from legible.wiring import audit
from legible_cli.connection import Connection, told

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]

#: How long whoever calls a command waits for that, in seconds.
_SECONDS = 60.0


def operator(users: Any = pwd) -> str:
    """Return who acts, as the audit trail names them; ``users`` is as of ``person``."""
    name = person(users)
    return f"cli:{name}" if name else "cli"


def person(users: Any = pwd) -> str:
    """Return the name of the user whose process this is; empty for one without a name.

    The operating system says it, not a variable, which anybody sets.

    Args:
        users: Knows the name of each user; None on Windows, where nothing but variables says it (``getpass``).
    """
    try:
        return getpass.getuser() if users is None else str(users.getpwuid(os.getuid()).pw_name)
    except (KeyError, OSError, ImportError):
        return ""


def keys_of(connection: Connection) -> str:
    """Return what tells the keys of one user from those of another, and tells nobody what they are."""
    return hashlib.sha256(connection.credentials.access_key.encode()).hexdigest()[:12]


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
    details = {**details, "keys": keys_of(connection)}
    asked = told(desk.record, name, kind, resource, details=details)

    def failed(code: str) -> None:
        try:
            desk.record(
                name, kind, resource, status="warning", details={"of": asked, "code": code, "keys": details["keys"]}
            )
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
