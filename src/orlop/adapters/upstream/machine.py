"""The metadata server of the machine that this runs on: who the machine is in its cloud. It is asked only where a
setting says so, at an address that no setting names, and nothing but its own question goes there."""

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from orlop.ports.upstream import UpstreamError

#: The server is on the same machine; elsewhere nobody should wait for it.
_SECONDS = 3.0
_ANSWER_MAX = 64 * 1024

_T = TypeVar("_T")


async def ask_machine(url: str, headers: Mapping[str, str], kind: type[_T], server: str) -> _T:
    """What a metadata server answers. Raises UpstreamError."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=timeout) as session,
            session.get(url, headers={"User-Agent": "orlop", **headers}, allow_redirects=False) as response,
        ):
            body = await response.content.read(_ANSWER_MAX)
    except (aiohttp.ClientError, OSError) as cause:  # among them TimeoutError
        raise UpstreamError(f"{server} cannot be reached; give the upstream a user and a password") from cause
    if response.status != 200:
        raise UpstreamError(f"{server} answers with status {response.status}; has this machine an account?")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise UpstreamError(f"{server} did not answer with a token") from cause
