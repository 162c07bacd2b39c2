"""HTTP requests through API Gateway: documents in, records out, and the console."""

from typing import Any

from legible.wiring import http


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer one request.

    Returns:
        ``{"statusCode": ..., "headers": ..., "body": ..., "isBase64Encoded": true}``; errors are replies too.
    """
    return http.answer(event, context)
