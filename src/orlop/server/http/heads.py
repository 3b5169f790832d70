"""Heads of requests, beyond what the parser finds in them: which protocol, which host, which target (RFC 9112, 3)."""

import re
from contextlib import suppress
from typing import NamedTuple

import httptools
import structlog

Headers = list[tuple[bytes, bytes]]

#: "Host = uri-host [ ":" port ]" (RFC 9110, section 7.2; RFC 3986, section 3.2.2). It may be empty.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Za-z:._~%-]+\])(?::[0-9]*)?", re.ASCII)

_log = structlog.get_logger("orlop.server")


class HeadTooLarge(Exception):
    """A head, or what follows a chunked body, is larger than is read."""


class Unanswerable(Exception):
    """A request that nobody here can answer: another protocol's, or one that contradicts itself."""


class Target(NamedTuple):
    """What is asked for, as it came; `host` is the authority of a target that has one (RFC 9112, section 3.2.2)."""

    path: bytes
    query: bytes
    host: bytes | None


def target_of(url: bytes) -> Target:
    """Path and query of a target. Raises Unanswerable."""
    if not url.startswith((b"/", b"*")):
        with suppress(httptools.HttpParserInvalidURLError):
            parsed = httptools.parse_url(url)
            if parsed.path is not None or parsed.host is not None:
                return Target(parsed.path or b"/", parsed.query or b"", _authority(parsed))
        raise Unanswerable
    path, _, query = url.partition(b"?")
    return Target(path, query, None)


def _authority(url: httptools.parser.url_parser.URL) -> bytes:
    host = url.host or b""
    if b":" in host:
        host = b"[%b]" % host
    return host if url.port is None else b"%b:%d" % (host, url.port)


def hosted(headers: Headers, version: str, authority: bytes | None) -> Headers:
    """The fields with the host that the request is for. Raises Unanswerable where they contradict each other.

    "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header
    field and to any request message that contains more than one Host header field line or a Host header field with an
    invalid field value" (RFC 9112, section 3.2). "[It] MUST ignore the received Host header field (if any) and instead
    replace it with the host information of the request-target" (section 3.2.2).
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version != "1.0") or (hosts and _HOST.fullmatch(hosts[0]) is None):
        raise Unanswerable
    if authority is None:
        return headers
    return [(b"host", authority), *(line for line in headers if line[0] != b"host")]


def require_framing(headers: Headers, version: str) -> None:
    """Raises Unanswerable: "A server … that receives an HTTP/1.0 message containing a Transfer-Encoding header field
    MUST treat the message as if the framing is faulty" (RFC 9112, section 6.1)."""
    if version == "1.0" and any(name == b"transfer-encoding" for name, _ in headers):
        raise Unanswerable


def require_http(arrived: bytes, url: bytes) -> None:
    """Raises Unanswerable for the protocols that the parser takes beside HTTP, such as RTSP, and keeps quiet about.
    `arrived` is what the line with the target came in."""
    if b"%b HTTP/" % url not in arrived and re.search(re.escape(url) + b" +HTTP/", arrived) is None:
        raise Unanswerable


def status_of(failure: BaseException | None) -> int:
    """What a request is answered that could not be taken."""
    if isinstance(failure, HeadTooLarge):
        return 431
    if isinstance(failure, Unanswerable):
        return 400
    _log.error("a request could not be taken", exc_info=failure)
    return 500
