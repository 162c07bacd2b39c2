"""What the gateway itself answers (usermanual-apig apig_03_0048): one code can mean several things."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass
class GatewayError(Exception):
    """An error answer of the gateway: HTTP status, its code, its message."""

    status: int
    code: str
    message: str

    def body(self, request_id: str) -> bytes:
        """Return the answer's body."""
        return json.dumps({"error_msg": self.message, "error_code": self.code, "request_id": request_id}).encode()


def no_api() -> GatewayError:
    """Nothing is published at this path for this method."""
    return GatewayError(404, "APIG.0101", "The API does not exist or has not been published in the environment")


def too_large() -> GatewayError:
    """The body is larger than a function may be sent; the page gives no code of its own for this limit."""
    return GatewayError(413, "APIG.0201", "Request entity too large")


def unavailable() -> GatewayError:
    """The backend cannot be reached."""
    return GatewayError(502, "APIG.0201", "Backend unavailable")


def timeout() -> GatewayError:
    """The backend did not answer in the API's time."""
    return GatewayError(504, "APIG.0201", "Backend timeout")


def wrong_key(why: str) -> GatewayError:
    """Signed with no key, or a wrong one, of the account."""
    return GatewayError(401, "APIG.0301", f"Incorrect IAM authentication information: {why}")


def wrong_app(why: str) -> GatewayError:
    """No app's code, and not signed with an app's key."""
    return GatewayError(401, "APIG.0303", f"Incorrect app authentication information: {why}")


def malformed(why: str) -> GatewayError:
    """The function's result is not an HTTP answer (facts functiongraph 1.8); the text is ours."""
    return GatewayError(500, "FSS.1202", f"The function's result is not an HTTP answer: {why}")
