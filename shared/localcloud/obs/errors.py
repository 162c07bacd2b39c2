"""Errors of the local OBS, and their XML (api-obs obs_04_0115)."""

from __future__ import annotations

from xml.sax.saxutils import escape


class ObsError(Exception):
    """An error answer: HTTP status, the code of OBS's error table, and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the parts of the answer."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def xml(self, resource: str, request_id: str) -> bytes:
        """Return the answer's body."""
        return (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
            f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId>"
            f"<Resource>{escape(resource)}</Resource></Error>"
        ).encode()


def access_denied(message: str = "Access Denied") -> ObsError:
    """No right to do this, or no signature at all."""
    return ObsError(403, "AccessDenied", message)


def no_such_bucket() -> ObsError:
    """The bucket does not exist."""
    return ObsError(404, "NoSuchBucket", "The specified bucket does not exist.")


def no_such_key() -> ObsError:
    """The object does not exist."""
    return ObsError(404, "NoSuchKey", "The specified key does not exist.")
