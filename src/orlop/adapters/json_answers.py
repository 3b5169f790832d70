"""Answers of servers that nobody here runs: read up to a limit, and taken for a JSON object or for nothing."""

from typing import Any

import aiohttp
import msgspec


async def bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body. Raises ValueError when it has more than `limit` bytes."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            raise ValueError(f"it sends more than {limit} bytes")
    return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object; an empty one for any other body."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
