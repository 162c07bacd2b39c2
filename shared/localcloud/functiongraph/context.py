"""The context a handler gets, with the documented methods (devg-functiongraph functiongraph_02_0502) and no others.

This file also runs inside a function's process, where only the zip's content can be imported: standard library only.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, TextIO


class Context:
    """One invocation's context."""

    def __init__(self, facts: Mapping[str, Any], log: TextIO | None = None) -> None:
        """Take the platform's facts of this invocation.

        Args:
            facts: request_id, timeout, deadline (monotonic seconds), user_data, access_key, secret_key, token,
                project_id, package, function, version, memory; a missing one reads as empty, as without an agency.
            log: Where the logger writes, stdout by default.
        """
        self._facts = dict(facts)
        self._log = log

    def getRequestID(self) -> str:
        """The request's id; the same for all retries of one asynchronous event."""
        return str(self._facts.get("request_id", ""))

    def getRemainingTimeInMilliSeconds(self) -> int:
        """Time left of this call."""
        deadline = self._facts.get("deadline")
        left = self.getRunningTimeInSeconds() if deadline is None else float(deadline) - time.monotonic()
        return max(0, int(left * 1000))

    def getRunningTimeInSeconds(self) -> int:
        """The configured timeout."""
        return int(self._facts.get("timeout", 30))

    def getUserData(self, key: str) -> str | None:
        """A user variable, None if it is not set."""
        value = self._facts.get("user_data", {}).get(key)
        return None if value is None else str(value)

    def getSecurityAccessKey(self) -> str:
        """The agency's temporary access key id; empty without an agency."""
        return str(self._facts.get("access_key", ""))

    def getSecuritySecretKey(self) -> str:
        """The agency's temporary secret; empty without an agency."""
        return str(self._facts.get("secret_key", ""))

    def getSecurityToken(self) -> str:
        """The agency's security token; empty without an agency."""
        return str(self._facts.get("token", ""))

    def getAccessKey(self) -> str:
        """Out of service: returns nothing useful."""
        return ""

    def getSecretKey(self) -> str:
        """Out of service: returns nothing useful."""
        return ""

    def getToken(self) -> str:
        """The agency's IAM token. The local cloud has no IAM: always empty."""
        return ""

    def getProjectID(self) -> str:
        """The project's id."""
        return str(self._facts.get("project_id", ""))

    def getPackage(self) -> str:
        """The function's app (group)."""
        return str(self._facts.get("package", "default"))

    def getFunctionName(self) -> str:
        """The function's name in the cloud."""
        return str(self._facts.get("function", ""))

    def getVersion(self) -> str:
        """The function's version."""
        return str(self._facts.get("version", "latest"))

    def getAlias(self) -> str:
        """The alias it was called by: none."""
        return ""

    def getMemorySize(self) -> int:
        """The configured memory in MB."""
        return int(self._facts.get("memory", 256))

    def getCPUNumber(self) -> int:
        """Millicores: about 200 + memory / 128 * 100."""
        return 200 + self.getMemorySize() * 100 // 128

    def getWorkflowID(self) -> str:
        """Empty outside a function flow."""
        return ""

    def getWorkflowRunID(self) -> str:
        """Empty outside a function flow."""
        return ""

    def getWorkflowStateID(self) -> str:
        """Empty outside a function flow."""
        return ""

    def getLogger(self) -> logging.Logger:
        """A logger whose lines read ``timestamp requestID invokeID LEVEL message`` in the function's log."""
        logger = logging.Logger(self.getFunctionName() or "function", logging.INFO)
        handler = logging.StreamHandler(self._log or sys.stdout)
        handler.setFormatter(_Line(self.getRequestID(), str(self._facts.get("invoke_id", ""))))
        logger.addHandler(handler)
        return logger


class _Line(logging.Formatter):
    def __init__(self, request_id: str, invoke_id: str) -> None:
        super().__init__()
        self._ids = f"{request_id} {invoke_id}"

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        text = f"{moment.replace('+00:00', 'Z')} {self._ids} {record.levelname} {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
