"""The Authorization header, read: who somebody says they are, and what they say it with. Believes nothing of it."""

import base64
import binascii

import msgspec

from orlop.domain.errors import Unauthorized

#: A longer header is not read: the longest token that is accepted, and room for a name.
HEADER_MAX = 48 * 1024

#: A longer name is nobody's.
_NAME_MAX = 512


class Basic(msgspec.Struct, frozen=True):
    """A name and a secret (RFC 7617)."""

    name: str
    secret: str


class Bearer(msgspec.Struct, frozen=True):
    """A token (RFC 6750, section 2.1)."""

    token: str


class Shown(msgspec.Struct, frozen=True):
    """The certificate of a client, in PEM."""

    pem: str
    forwarded: bool = False
    """Whether a proxy passed it on; otherwise it was found good when the connection was made."""


#: What a certificate begins with where an Authorization header is expected. No header can: NUL is no character of one
#: (RFC 9110, section 5.5).
DIRECT, FORWARDED = "\0direct ", "\0forwarded "


def parse_authorization(header: str) -> Basic | Bearer | Shown:
    """What the header says, or the certificate that stands in its place. Raises Unauthorized with what is wrong with
    it; the header itself is never repeated."""
    for mark in (DIRECT, FORWARDED):
        if header.startswith(mark):
            return Shown(header[len(mark) :], mark is FORWARDED)
    if len(header) > HEADER_MAX:
        raise Unauthorized(f"the Authorization header is longer than {HEADER_MAX} characters")
    scheme, _, rest = header.strip(" ").partition(" ")
    credentials = rest.strip(" ")
    match scheme.lower():
        case "bearer":
            return _bearer(credentials)
        case "basic":
            return _basic(credentials)
    raise Unauthorized("the Authorization header begins with neither Basic nor Bearer")


def _bearer(token: str) -> Bearer:
    if not token or not token.isascii() or not token.isprintable() or " " in token or "," in token:
        raise Unauthorized("the token in the Authorization header is not one word", reason="invalid_request")
    return Bearer(token)


def _basic(encoded: str) -> Basic:
    """Names and passwords are UTF-8; what is not is taken for Latin-1, which old clients send."""
    try:
        plain = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as cause:
        raise Unauthorized("the Authorization header has no Base64 after Basic") from cause
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        text = plain.decode("latin-1")
    name, colon, secret = text.partition(":")
    if not colon:
        raise Unauthorized("the Authorization header has no colon between name and password")
    if not name or len(name) > _NAME_MAX or not name.isprintable():
        raise Unauthorized("the Authorization header has no name that can be somebody's")
    return Basic(name, secret)
