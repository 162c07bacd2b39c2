"""A real Redis for tests, on a port of its own, and a way to it that can be cut before or after what is asked."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import redis

from tests.support import tools

PROGRAM = tools.program("redis-server")
SKIPPED = tools.missing("redis-server")


class RedisServer:
    """A ``redis-server`` that writes down each change before it answers; started and stopped as often as a test wants.

    Args:
        folder: Where it keeps what it knows.
        options: More options of redis-server.
        tls: The files of certificate and key; None for no TLS.
    """

    def __init__(self, folder: Path, *options: str, tls: tuple[Path, Path] | None = None) -> None:
        self.port = free_port()
        self._folder, self._options, self._tls = folder, options, tls
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"rediss://localhost:{self.port}/0" if self._tls else f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        listens = ["--port", str(self.port)]
        if self._tls:
            certificate, key = map(str, self._tls)
            listens = ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", certificate]
            listens += ["--tls-key-file", key, "--tls-auth-clients", "no"]
        command = [
            str(PROGRAM), *listens, "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning", *self._options,
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 1)):
                return
            time.sleep(0.02)
        raise RuntimeError("redis-server did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def lose_all(self) -> None:
        """Start anew with nothing, as where it writes nothing down."""
        self.stop()
        for file in self._folder.rglob("*"):
            if file.is_file() and "appendonly" in str(file.relative_to(self._folder)):
                file.unlink()
        self.start()

    def client(self, **options: str) -> redis.Redis:
        """Return a client of the library's own, to look inside."""
        return redis.Redis(port=self.port, decode_responses=True, **options)


class CutWay:
    """A way to a server; ``cut`` says of the bytes that come from either side whether it is cut before they go on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut: Callable[[str, bytes], bool] = lambda side, body: False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port), 5)
                for side, source, target in (("asked", near, far), ("answered", far, near)):
                    threading.Thread(target=self._carry, args=(side, source, target), daemon=True).start()

    def _carry(self, side: str, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while (body := source.recv(65536)) and not self.cut(side, body):
                target.sendall(body)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])
