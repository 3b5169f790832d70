"""What a request proves who sends it with: its Authorization header, or the certificate of its client.

A certificate is that of the connection, or what a trusted proxy says in a header. A header of anybody else is passed
over, as is any certificate that a browser adds to what a page of another site sends.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from orlop.domain.identity.authorization import DIRECT, FORWARDED
from orlop.faces.http.origins import origin_of
from orlop.faces.http.proxies import Proxies

_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_DIRECT, _FORWARDED = DIRECT.encode(), FORWARDED.encode()
#: What is in no certificate: it is refused by who reads it.
_UNREADABLE = b"-"
_WORDS = re.compile(rb"[A-Za-z0-9+/=\s]+", re.ASCII)
#: A longer header is not read, in bytes.
_LONGEST = 64 * 1024
#: What proxies write that have none to tell of.
_NONE = frozenset({b"-", b"(null)"})
_OURS = frozenset({b"none", b"same-origin"})


class Credentials(msgspec.Struct, frozen=True):
    """`header`: the one in which trusted proxies pass certificates on, in lower case; empty: they do not."""

    proxies: Proxies
    header: bytes = b""

    def of(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bytes:
        """The value of the Authorization header; without one the certificate, as
        `domain.identity.authorization` has it; empty without either. Headers are as in `Proxies`."""
        authorization = headers.get(b"authorization", b"")
        if authorization:
            # A header has no NUL, whoever the server is that read it.
            return authorization if not authorization.startswith(b"\0") else _UNREADABLE
        found = self._certificate(scope, headers)
        return found if found and not _is_foreign(headers) else b""

    def _certificate(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bytes:
        if not self.proxies.speaks(scope):
            tls = scope["extensions"].get("tls") if scope.get("extensions") else None
            chain = tls.get("client_cert_chain") if tls else None
            # ASGI, "TLS Extension": PEM, that of the client first.
            return _DIRECT + str(next(iter(chain))).encode() if chain else b""
        # The certificate of its connection is the proxy's own, whoever it speaks for.
        said = headers.get(self.header, b"").strip() if self.header else b""
        if not said or said in _NONE:
            return b""
        return _FORWARDED + (_pem(said) if len(said) <= _LONGEST else _UNREADABLE)


def _pem(said: bytes) -> bytes:
    """The first certificate in a header, in PEM: as a byte sequence between colons (RFC 9440, section 2.2), as Base64
    alone (HAProxy, Traefik), or as PEM with what is no letter escaped (nginx, Apache)."""
    if said.startswith(b":"):
        said = said[1:].partition(b":")[0]
    elif b"BEGIN" in said:
        said = unquote_to_bytes(said) if b"%" in said else said
        said = said.partition(_BEGIN)[2].partition(_END)[0]
    else:
        said = (unquote_to_bytes(said) if b"%" in said else said).partition(b",")[0]
    if not _WORDS.fullmatch(said):
        return _UNREADABLE
    try:
        der = base64.b64decode(b"".join(said.split()), validate=True)
    except (binascii.Error, ValueError):
        return _UNREADABLE
    return b"%b\n%b%b\n" % (_BEGIN, base64.encodebytes(der), _END)


def _is_foreign(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of another site has a browser send it, which adds the certificate by itself."""
    if headers.get(b"sec-fetch-site", b"none") not in _OURS:
        return True
    said = headers.get(b"origin")
    if said is None:
        return False
    origin = origin_of(said.decode("latin-1"))
    host = headers.get(b"host", b"").decode("latin-1")
    return origin is None or origin != origin_of(f"{origin.scheme}://{host}")
