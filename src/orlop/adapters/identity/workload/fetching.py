"""One question over HTTP to somebody whom a stranger's token makes us ask: bounded in time, bytes and addresses.

The address that is checked is the one that is connected to, for every connection; no redirect is followed, no proxy
used, nothing decompressed, no cookie kept.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from orlop.adapters.addresses import Permitted, guarded
from orlop.adapters.json_answers import bounded, json_object
from orlop.domain.errors import Unavailable

#: Answers are not read beyond this: key sets of public issuers have a few KiB.
ANSWER_MAX = 256 * 1024
_SECONDS = 10.0


class Answer(msgspec.Struct, frozen=True):
    """A status, and the JSON object that came with it; an empty one where there was none."""

    status: int
    fields: dict[str, Any]


class NoAnswer(Unavailable):
    """Nobody answered, or not as they should; the message is for the log, and for whoever runs the registry."""


class Fetcher:
    """Asks. `resolver`: how names become addresses; None: as this machine does it."""

    def __init__(self, resolver: Callable[[], AbstractResolver] | None = None, seconds: float = _SECONDS) -> None:
        self._resolver = resolver
        self._seconds = seconds

    async def get(
        self, url: URL, permitted: Permitted, *, ca: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """What is there. Raises NoAnswer."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._get(url, permitted, ca, headers or {})
        except TimeoutError as cause:
            raise NoAnswer(f"{url.authority} did not answer in {self._seconds:.0f} seconds") from cause
        except (aiohttp.ClientError, OSError, ValueError) as cause:
            raise NoAnswer(f"{url.authority} cannot be asked: {_reason(cause)}") from cause

    async def _get(self, url: URL, permitted: Permitted, ca: str, headers: Mapping[str, str]) -> Answer:
        connector = aiohttp.TCPConnector(
            ssl=_tls(ca) if url.scheme == "https" else True,
            use_dns_cache=False,
            force_close=True,
            resolver=self._resolver() if self._resolver else None,
            socket_factory=guarded(permitted),
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": "orlop", "Accept": "application/json", "Accept-Encoding": "identity"},
            ) as session,
            session.get(url, allow_redirects=False, headers=headers) as response,
        ):
            return Answer(response.status, json_object(await bounded(response, ANSWER_MAX)))


@lru_cache(maxsize=64)
def _tls(ca: str) -> ssl.SSLContext:
    """For the authorities in PEM, or the machine's: reading all of those takes tens of milliseconds."""
    return ssl.create_default_context(cadata=ca or None)


def _reason(cause: BaseException) -> str:
    inner = getattr(cause, "os_error", None) or getattr(cause, "certificate_error", None) or cause
    return str(inner) or type(inner).__name__
