"""``legible up``: the local cloud kept running, with a folder in and a folder out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from legible.errors import UnavailableError
from legible.model.records import Record
from legible_cli.local.buckets import Buckets
from localcloud.cloud import LocalCloud

#: A file is uploaded when it did not change for this long: whoever copies it in has finished.
SETTLE_SECONDS = 1.0
_LOOK_SECONDS = 0.5
#: The timer that has waiting notices and uploads tried again (serverless.yml), and how often it rings, in seconds.
_NOTICES, _NOTICE_SECONDS = "legible-notices", 60.0


class Sent(Struct):
    """A file of the inbox as it was uploaded. ``delivered`` says that its results lie in the outbox."""

    size: int
    modified: int
    etag: str
    delivered: bool = False


class Folders:
    """Carries files from the inbox to the cloud and results from the cloud to the outbox.

    What was sent is kept in a file, written before the next look, so that a restart sends nothing twice and delivers
    what it still owes.

    Args:
        cloud: The running cloud.
        inbox: Files lie in ``inbox/<operation>/``.
        outbox: Results go to ``outbox/<operation>/<name>/``.
        state: The file that remembers.
        tell: Called with each record that was delivered, and the folder its results are in.
    """

    def __init__(
        self, cloud: LocalCloud, inbox: Path, outbox: Path, state: Path, tell: Callable[[Record, Path], None]
    ) -> None:
        """Make the folders, and read what was sent before."""
        self._cloud = cloud
        self._buckets = Buckets(cloud)
        self._inbox = inbox
        self._outbox = outbox
        self._state = state
        self._tell = tell
        self._ring_at = time.monotonic() + _NOTICE_SECONDS
        self._seen: dict[str, tuple[int, int, float]] = {}
        self._sent = msgspec.json.decode(state.read_bytes(), type=dict[str, Sent]) if state.exists() else {}
        inbox.mkdir(parents=True, exist_ok=True)
        outbox.mkdir(parents=True, exist_ok=True)

    def look(self) -> None:
        """Send what is new and still; deliver what is finished."""
        for file in sorted(self._inbox.rglob("*")):
            name = file.relative_to(self._inbox).as_posix()
            if not any(part.startswith(".") for part in name.split("/")):
                self._send(file, name)
        for key, sent in self._sent.items():
            if not sent.delivered:
                self._deliver(key, sent)
        if time.monotonic() >= self._ring_at:
            self.ring()

    def ring(self) -> None:
        """Ring the timer for notices as the platform would, if one, or an upload, waits: else a laptop may sleep."""
        self._ring_at = time.monotonic() + _NOTICE_SECONDS
        if self._buckets.something_waits():
            self._cloud.ring(_NOTICES, datetime.now(timezone.utc))

    def watch(self, until: threading.Event) -> None:
        """Look again and again until told to end; a cloud that is busy for a moment is asked again."""
        while not until.wait(_LOOK_SECONDS):
            try:
                self.look()
            except UnavailableError:
                continue

    def _send(self, file: Path, key: str) -> None:
        try:
            if not file.is_file():
                return
            facts = file.stat()
        except OSError:
            return
        known = self._sent.get(key)
        if known and (known.size, known.modified) == (facts.st_size, facts.st_mtime_ns):
            return
        size, modified, since = self._seen.get(key, (-1, -1, 0.0))
        if (size, modified) != (facts.st_size, facts.st_mtime_ns):
            self._seen[key] = (facts.st_size, facts.st_mtime_ns, time.monotonic())
            return
        if time.monotonic() - since < SETTLE_SECONDS:
            return
        try:
            etag = self._buckets.upload(file, key)
        except OSError:
            return  # not readable now; looked at again
        self._sent[key] = Sent(facts.st_size, facts.st_mtime_ns, etag)
        self._keep()

    def _deliver(self, key: str, sent: Sent) -> None:
        record = self._buckets.record(key, sent.etag)
        if record is None:
            return
        folder = self._outbox / key
        try:
            self._buckets.download(record, folder)
        except OSError:
            return  # the outbox takes nothing now; tried again
        sent.delivered = True
        self._keep()
        self._tell(record, folder)

    def _keep(self) -> None:
        self._state.parent.mkdir(parents=True, exist_ok=True)
        part = self._state.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(self._sent))
        part.replace(self._state)
