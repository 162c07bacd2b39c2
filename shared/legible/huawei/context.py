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
    "notice-not-logged", "notice-failed", "notice-given-up", "notice-unreadable",
})  # fmt: skip


class Context:
    """The platform's context, read through one place because not every method exists in every runtime.

    Args:
        raw: What FunctionGraph passes to the handler (functiongraph_02_0502).
    """

    def __init__(self, raw: Any) -> None:
        """See the class."""
        self._raw = raw
        self._begun = time.monotonic()
        self.request_id = str(self._ask("getRequestID") or uuid.uuid4())

    def _ask(self, method: str, *values: Any) -> Any:
        found = getattr(self._raw, method, None)
        return found(*values) if callable(found) else None

    @property
    def owner(self) -> str:
        """A name no other invocation has: a retry keeps its request id, so that alone is not enough."""
        plain = "".join(letter for letter in self.request_id if letter.isalnum() or letter == "-")
        return f"{plain[:40]}-{uuid.uuid4().hex[:8]}"

    @property
    def project_id(self) -> str:
        """The project the function runs in; empty where the runtime does not say."""
        return str(self._ask("getProjectID") or "")

    def urn(self, region: str) -> str:
        """Return the name by which this very function is called; empty where the runtime does not say enough.

        ``urn:fss:<region>:<project>:function:<package>:<name>:<version>`` (functiongraph_06_0102). Where there is an
        alias, it is the version, ``!<alias>`` (functiongraph_06_0117): the trigger and the policy for failures are
        the alias's own, not those of the version behind it. Without either it is ``latest``.

        Args:
            region: Where the function runs; the context does not say.
        """
        name, alias = str(self._ask("getFunctionName") or ""), str(self._ask("getAlias") or "")
        if not name or not self.project_id:
            return ""
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
        """Return a user variable, plain or encrypted; None where it is not set."""
        value = self._ask("getUserData", name)
        return None if value is None else str(value)

    def remaining(self) -> float:
        """Return how many seconds are left of this call."""
        left = self._ask("getRemainingTimeInMilliSeconds")
        if left is None:  # an older runtime: the configured time, less what has passed since the call began
            return float(self._ask("getRunningTimeInSeconds") or 60) - (time.monotonic() - self._begun)
        return float(left) / 1000

    def credentials(self) -> Credentials:
        """Return the agency's keys as they are now.

        Raises:
            CredentialsError: The function has no agency.
        """
        return checked(
            self._ask("getSecurityAccessKey"), self._ask("getSecuritySecretKey"), self._ask("getSecurityToken")
        )

    def log(self, level: str) -> FunctionLog:
        """Return what writes to the function's log from that level on."""
        return FunctionLog(self._ask("getLogger") or logging.getLogger("legible"), level, self.request_id)


class FunctionLog:
    """Writes one line of JSON an event. See ``legible.pipeline.Log``.

    Args:
        logger: Has ``info`` and ``warning``, as the platform's has.
        level: The lowest level that is written.
        request_id: Stands in every line.
    """

    def __init__(self, logger: Any, level: str, request_id: str) -> None:
        """See the class."""
        self._logger = logger
        self._lowest = getattr(logging, level)
        self._request_id = request_id

    def __call__(self, event: str, **values: Any) -> None:
        """Write the line; texts are redacted, whoever made them."""
        level = logging.WARNING if event in _WARNINGS else logging.INFO
        if level < self._lowest:
            return
        line = json.dumps({"event": event, **values, "request": self._request_id}, ensure_ascii=False, default=str)
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
