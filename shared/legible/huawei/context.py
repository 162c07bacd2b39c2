"""FunctionGraph's context: user variables, keys, time left, and the log."""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import Any

from legible.errors import redact
from legible.huawei.credentials import Credentials, checked

#: Events that somebody should look at.
_WARNINGS = frozenset({
    "retry", "skipped", "not-released", "not-handed-on", "not-answered", "defect", "notice-not-kept",
    "notice-not-logged", "notice-failed", "notice-given-up", "notice-unreadable", "settings-wrong", "not-walked",
    "not-marked", "not-counted", "not-a-mark", "journal-unreadable", "metrics-not-written", "wait-expired",
    "parked-unreadable", "held-unreadable", "obstacle-unreadable", "project-unchecked", "not-audited",
    "audit-unreadable", "audit-not-told", "audit-part-shut", "repaired-in-vain", "not-repaired", "not-swept",
    "note-unreadable", "repair-unreadable", "not-built-again", "journal-refused",
})  # fmt: skip


class Context:
    """The platform's context, read through one place because not every method exists in every runtime.

    Args:
        raw: What FunctionGraph passes to the handler (functiongraph_02_0502).
    """

    def __init__(self, raw: Any) -> None:
        """Note when the call began, and which one it is."""
        self._raw = raw
        self._begun = time.monotonic()
        self.request_id = str(self._ask("getRequestID") or uuid.uuid4())

    def _ask(self, method: str, *values: Any) -> Any:
        # Of the page's methods a runtime may lack the newer ones (functiongraph_02_0502); none may fail a call.
        known = getattr(self._raw, method, None)
        return known(*values) if callable(known) else None

    @property
    def owner(self) -> str:
        """A name that no other invocation has."""
        # An event that is tried again keeps its request id: the platform counts the calls of one
        # (approximate_invoke_count, functiongraph_01_0390_03). So the id alone is not enough.
        plain = "".join(letter for letter in self.request_id if letter.isalnum() or letter == "-")
        return f"{plain[:40]}-{uuid.uuid4().hex[:8]}"

    @property
    def project_id(self) -> str:
        """The project the function runs in; empty where the runtime does not say."""
        return str(self._ask("getProjectID") or "")

    def urn(self, region: str) -> str:
        """Return the name by which this very function is called; empty where the runtime does not say enough.

        ``urn:fss:<region>:<project>:function:<package>:<name>:<version>`` (functiongraph_06_0102).

        Args:
            region: Where the function runs; the context does not say.
        """
        name, alias = str(self._ask("getFunctionName") or ""), str(self._ask("getAlias") or "")
        if not name or not self.project_id:
            return ""
        # An alias stands in the version's place as !<alias> (functiongraph_06_0117). It counts where there is one: the
        # trigger and the policy for failures are the alias's own, not those of the version behind it.
        version = f"!{alias.lstrip('!')}" if alias else str(self._ask("getVersion") or "latest")
        return f"urn:fss:{region}:{self.project_id}:function:{self._ask('getPackage') or 'default'}:{name}:{version}"

    def sibling(self, region: str, name: str) -> str:
        """Return the name by which another function of the same package is called; empty as ``urn`` is.

        Args:
            region: Where the functions run.
            name: The function's name; behind a colon its version, or ``!`` and its alias, else it is ``latest``.
        """
        own = self.urn(region).split(":")
        plain, _, version = name.partition(":")
        return ":".join([*own[:6], plain, version or "latest"]) if len(own) > 1 else ""

    def variable(self, name: str) -> str | None:
        """Return a user variable; None where it is not set."""
        # Encrypted ones come decrypted by the same method. All together have 4,096 characters at most, so whatever is
        # longer lies in legible.toml (functiongraph_02_0502).
        value = self._ask("getUserData", name)
        return None if value is None else str(value)

    def remaining(self) -> float:
        """Return how many seconds are left of this call."""
        left = self._ask("getRemainingTimeInMilliSeconds")
        if left is None:  # an older runtime: the configured time, less what has passed since the call began
            return float(self._ask("getRunningTimeInSeconds") or 60) - (time.monotonic() - self._begun)
        return float(left) / 1000

    def credentials(self) -> Credentials:
        """Return the agency's keys as they are now: valid for 24 hours, and renewed before.

        Raises:
            CredentialsError: The function has no agency.
        """
        # The plain getAccessKey and getSecretKey are no longer maintained, and of no use (functiongraph_02_0502). These
        # three are empty texts where there is no agency; an instance outlives its keys, so they are read at every call.
        return checked(
            self._ask("getSecurityAccessKey"), self._ask("getSecuritySecretKey"), self._ask("getSecurityToken")
        )

    def log(self, level: str) -> FunctionLog:
        """Return the function's log, which writes events of that level and above."""
        return FunctionLog(self._ask("getLogger") or logging.getLogger("legible"), level, self.request_id)


class FunctionLog:
    """Writes one line of JSON an event. See ``legible.pipeline.Log``.

    Args:
        logger: Has ``info`` and ``warning``, as the platform's has.
        level: The lowest level that is written.
        request_id: Stands in every line.
    """

    def __init__(self, logger: Any, level: str, request_id: str) -> None:
        """Look up the level by its name."""
        self._logger = logger
        self._lowest = getattr(logging, level)
        self._request_id = request_id

    def __call__(self, event: str, **values: Any) -> None:
        """Write the line, redacted: no text in it shows a key, a token or the query of a URL."""
        level = logging.WARNING if event in _WARNINGS else logging.INFO
        if level < self._lowest:
            return
        line = json.dumps({"event": event, **values, "request": self._request_id}, ensure_ascii=False, default=str)
        # The platform's logger puts time, request id and level before the line, and splits it at 90 KB (FunctionGraph's
        # manual, logs); what tells of one event is far shorter.
        (self._logger.warning if level == logging.WARNING else self._logger.info)(redact_line(line))


def redact_line(line: str) -> str:
    """Return a line of the log without URL queries or values named like a secret, however long it is."""
    return " ".join(redact(part) for part in _pieces(line))


def _pieces(line: str, size: int = 400) -> list[str]:
    """Cut a line at spaces into pieces no longer than a redacted text may be."""
    pieces, piece = [], ""
    for word in line.split(" "):
        if piece and len(piece) + len(word) >= size:
            pieces.append(piece)
            piece = word
        else:
            piece = f"{piece} {word}" if piece else word
    return [*pieces, piece]
