"""``legible console``: the console of a deployed Legible in a browser on this machine, which keeps the app's code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence

import click

from localcloud.apig import Front
from localcloud.apig.apps import CODE_HEADER
from localcloud.web import Server

#: Where the app's code is; a command line would show it to everybody on the machine.
_CODE = "LEGIBLE_APP_CODE"
#: Unless one is said. A browser uploads straight into the bucket, which lets in the pages of these ports alone
#: (`console_origins` in infra/terraform).
PORTS = range(8080, 8084)


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


def listen(proxy: Front, ports: Sequence[int]) -> Server:
    """Serve on the first port that is free, and say aloud what is not as usual.

    Raises:
        click.ClickException: None is free.
    """
    for port in ports:
        try:
            server = proxy.serve(port)
        except OSError as error:
            click.echo(f"Port {port} cannot be used: {error.strerror}.", err=True)
            continue
        if port not in PORTS:
            click.echo(f"Uploads need http://127.0.0.1:{port} among the buckets' console_origins.", err=True)
        return server
    raise click.ClickException("Say another port: --port, with its page, http://127.0.0.1:<port>, in console_origins.")


@click.command("console")
@click.option("--api", required=True, metavar="URL", help="The API's address: https://<group>.apig.<region>.../")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port on this machine. Default: {PORTS[0]}, or the next free one up to {PORTS[-1]}.",
)
def console_command(api: str, port: int | None) -> None:
    """Serve the console of a deployed Legible on this machine; a proxy adds the AppCode from LEGIBLE_APP_CODE.

    The proxy listens on loopback, answers only the browser in which its printed address was opened, and sends the code
    only to URL.
    """
    proxy = front(api, os.environ)  # noqa: TID251 - a command has nothing else
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = listen(proxy, PORTS if port is None else (port,))
    click.echo(f"{proxy.way_in(server.endpoint)}\nCtrl-C ends it.")
    ended.wait()
    server.stop()
