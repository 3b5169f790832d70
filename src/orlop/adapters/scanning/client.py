"""Speaks the pluggable scanner protocol 1.2: bounded in time and in what is read, over checked addresses.

No redirect is followed: the 302 of a report says that it is not there yet, whatever `Location` says.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from orlop.adapters.addresses import Permitted, connector, named
from orlop.adapters.certificates import Unusable, context
from orlop.adapters.children import child
from orlop.adapters.json_answers import bounded, json_object
from orlop.adapters.scanning.child import Said
from orlop.adapters.traced import traces_of
from orlop.domain.scanning.protocol import (
    ERROR,
    METADATA,
    SBOM,
    SBOM_REPORT,
    SCAN_REQUEST,
    SCAN_RESPONSE,
    VULNERABILITY,
    ScannerMetadata,
    normal,
    refresh_after,
)
from orlop.ports.scans import Address, NotYet, Report, ScannerAway, ScannerClient, ScanOrder, ScanRefused

#: Seconds for an answer, for a connection, and for reading a report; bytes of a report and of any other answer.
_TOTAL, _CONNECT, _READING = 60.0, 10.0, 60.0
REPORT_MAX, ANSWER_MAX = 32 * 1024 * 1024, 256 * 1024
#: Characters of a scanner's own words that are passed on, and of the id of a scan.
_WORDS, _ID = 400, 512

_metadata = msgspec.json.Decoder(ScannerMetadata)
_said = msgspec.msgpack.Decoder(Said)


class HttpScannerClient(ScannerClient):
    """`networks` are those that may be reached beside public addresses; `seconds` is how long an answer may take."""

    def __init__(self, networks: tuple[str, ...], *, seconds: float = _TOTAL) -> None:
        self._permitted: Permitted = named(networks)
        self._seconds = seconds

    async def metadata(self, address: Address) -> ScannerMetadata:
        """See ports.scans.ScannerClient."""
        async with self._asked(address, "GET", "/metadata", ", ".join(METADATA)) as response:
            body = await _body(response, ANSWER_MAX)
            if response.status != 200:
                raise ScannerAway(f"it answered {_answered(response, body)} when asked what it can do")
            try:
                return _metadata.decode(body).bounded()
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
                raise ScannerAway(f"what it says of itself cannot be read: {str(cause)[:_WORDS]}") from cause

    async def scan(self, address: Address, order: ScanOrder) -> str:
        """See ports.scans.ScannerClient."""
        artifact = {"repository": order.repository, "digest": order.digest, "mime_type": order.media_type}
        wanted = {
            "registry": {"url": order.registry, "authorization": order.authorization},
            "artifact": artifact | ({"tag": order.tag} if order.tag else {}),
            "enabled_capabilities": _capabilities(order),
        }
        body = msgspec.json.encode(wanted, enc_hook=str)
        accept = f"{SCAN_RESPONSE}, {ERROR}"
        async with self._asked(address, "POST", "/scan", accept, body) as response:
            answer = await _body(response, ANSWER_MAX)
            if response.status in {400, 422, 501}:
                raise ScanRefused(f"it answered {_answered(response, answer)}", lasting=True)
            if response.status != 202:
                raise ScannerAway(f"it answered {_answered(response, answer)} when asked for a scan")
            found = json_object(answer).get("id")
            if not isinstance(found, str) or not 0 < len(found) <= _ID or not found.isprintable():
                raise ScannerAway("it took the scan and gave no id of it")
            return found

    async def report(self, address: Address, request: str, report_type: str) -> Report | NotYet:
        """See ports.scans.ScannerClient."""
        body = await self._fetched(address, request, report_type, "")
        if isinstance(body, NotYet):
            return body
        said = await _read(body)
        if said.verdict is None:
            raise ScanRefused(f"its report cannot be read: {said.refused[:_WORDS]}")
        return Report(body, said.verdict)

    async def sbom(self, address: Address, request: str, sbom_type: str) -> bytes | NotYet:
        """See ports.scans.ScannerClient."""
        query = f"?sbom_media_type={quote(sbom_type, safe='')}"
        body = await self._fetched(address, request, SBOM_REPORT, query)
        if isinstance(body, NotYet):
            return body
        said = await _read(body, sbom_type)
        if not said.sbom:
            raise ScanRefused(f"its SBOM cannot be read: {said.refused[:_WORDS]}")
        return said.sbom

    async def _fetched(self, address: Address, request: str, report_type: str, query: str) -> bytes | NotYet:
        path = f"/scan/{quote(request, safe='')}/report{query}"
        async with self._asked(address, "GET", path, report_type) as response:
            if response.status == 302:
                return NotYet(refresh_after(response.headers.get("Refresh-After", "")))
            if response.status != 200:
                answer = await _body(response, ANSWER_MAX)
                raise _refused(response, answer)
            given = response.headers.get("Content-Type", "")
            if normal(given) != normal(report_type):
                raise ScanRefused(f"its report is {given[:128] or 'of no type'}, and it was asked for {report_type}")
            return await _body(response, REPORT_MAX)

    @asynccontextmanager
    async def _asked(
        self, address: Address, method: str, path: str, accept: str, body: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request on a connection of its own: scans are few. Raises ScannerAway."""
        headers = {"User-Agent": "orlop", "Accept": accept, "Accept-Encoding": "identity"}
        if address.header is not None:
            headers[address.header[0]] = address.header[1]
        if body is not None:
            headers["Content-Type"] = SCAN_REQUEST
        url = f"{address.url.rstrip('/')}/api/v1{path}"
        try:
            async with asyncio.timeout(self._seconds):
                tls: ssl.SSLContext | bool = True
                if url.startswith("https:"):
                    tls = await asyncio.to_thread(context, address.ca)
                async with (
                    aiohttp.ClientSession(
                        connector=connector(self._permitted, tls),
                        cookie_jar=aiohttp.DummyCookieJar(),
                        trust_env=False,
                        auto_decompress=False,
                        timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=_CONNECT),
                        trace_configs=traces_of("scanner"),
                    ) as session,
                    session.request(
                        method, _encoded(url), data=body, headers=headers, allow_redirects=False
                    ) as response,
                ):
                    yield response
        except TimeoutError as cause:
            raise ScannerAway(f"it did not answer in {self._seconds:g} seconds") from cause
        except Unusable as cause:
            raise ScannerAway(str(cause)) from cause
        except (aiohttp.ClientError, OSError) as cause:
            raise ScannerAway(f"it cannot be reached: {_reason(cause)}") from cause


def _capabilities(order: ScanOrder) -> list[dict[str, object]]:
    wanted: list[dict[str, object]] = []
    if order.report_type:
        wanted.append({"type": VULNERABILITY, "produces_mime_types": [order.report_type]})
    if order.sbom_type:
        parameters = {"sbom_media_types": [order.sbom_type]}
        wanted.append({"type": SBOM, "produces_mime_types": [SBOM_REPORT], "parameters": parameters})
    return wanted


def _encoded(url: str) -> Any:
    from yarl import URL

    return URL(url, encoded=True)


def _refused(response: aiohttp.ClientResponse, answer: bytes) -> Exception:
    """Of a scan that came to nothing; the scanner itself may be well."""
    if response.status in {401, 403, 502, 503, 504}:
        return ScannerAway(f"it answered {_answered(response, answer)} when asked for a report")
    if response.status == 404:
        return ScanRefused("it does not know the scan any more")
    return ScanRefused(f"it answered {_answered(response, answer)}", lasting=response.status in {400, 501})


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    try:
        return await bounded(response, most)
    except ValueError as cause:
        response.close()
        raise ScanRefused(f"its answer has more than {most >> 10} KiB") from cause


async def _read(body: bytes, *sbom_type: str) -> Said:
    """What a report says, or the SBOM in it, read in a process that is killed when it takes too long."""
    async with child("orlop.adapters.scanning.child", *sbom_type) as process:
        try:
            async with asyncio.timeout(_READING):
                answer = await process.communicate(body)
        except TimeoutError:
            return Said(refused=f"it takes more than {_READING:g} seconds to read")
    try:
        return _said.decode(answer)
    except msgspec.MsgspecError:
        return Said(refused="it takes more time or memory to read than a report may")


def _answered(response: aiohttp.ClientResponse, body: bytes) -> str:
    """A status, and what `ErrorResponse` says: "error": {"message": …}."""
    error = json_object(body).get("error")
    words = error.get("message") if isinstance(error, dict) else None
    if not isinstance(words, str) or not words.strip():
        return str(response.status)
    shown = "".join(each if each.isprintable() else " " for each in words[:_WORDS]).strip()
    return f"{response.status}: {shown}"


def _reason(cause: BaseException) -> str:
    if isinstance(cause, aiohttp.ClientPayloadError):
        return "its answer broke off"
    inner = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause
    cause = inner.__cause__ if isinstance(inner.__cause__, OSError) else inner
    return getattr(cause, "strerror", None) or str(cause)[:_WORDS] or type(cause).__name__
