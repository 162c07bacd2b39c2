"""``legible console``: the console of a deployed Legible in a browser on this machine, which keeps the app's code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping

import click

from localcloud.apig import Front
from localcloud.apig.apps import CODE_HEADER

#: Where the app's code is; a command line would show it to everybody on the machine.
_CODE = "LEGIBLE_APP_CODE"


def front(api: str, environment: Mapping[str, str]) -> Front:
    """Return the proxy that calls an API with the app's code.

    Args:
        api: The API's address.
        environment: Where the code is.

    Raises:
        click.ClickException: There is no code, or the address is none.
    """
    code = environment.get(_CODE, "")
    if not code:
        raise click.ClickException(
            f"Set {_CODE} to the AppCode of an app that may call the API (console: credentials)."
        )
    try:
        return Front(api, {CODE_HEADER: code})
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@click.command("console")
@click.option("--api", required=True, metavar="URL", help="The API's address: https://<group>.apig.<region>.../")
@click.option("--port", type=click.IntRange(1, 65535), help="Port on this machine. Default: a free one.")
def console_command(api: str, port: int | None) -> None:
    """Serve the console of a deployed Legible on this machine; a proxy adds the AppCode from LEGIBLE_APP_CODE.

    The proxy listens on loopback, answers only the browser in which its printed address was opened, and sends the code
    only to URL.
    """
    proxy = front(api, os.environ)  # noqa: TID251 - a command has nothing else
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        server = proxy.serve(port)
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}.") from error
    click.echo(f"{proxy.way_in(server.endpoint)}\nCtrl-C ends it.")
    ended.wait()
    server.stop()
