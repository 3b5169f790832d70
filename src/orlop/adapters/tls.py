"""Connections and TLS as commands meet them: whom to trust, and what a failure means, with what helps."""

import asyncio
import errno
import os
import ssl
from contextlib import suppress
from typing import NamedTuple

import aiohttp

from orlop.ports.upstream import UpstreamError

#: Codes of X509_verify_cert (OpenSSL): nobody that is trusted has signed it, and it is for another name or address.
_UNKNOWN = frozenset({18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})
#: What OpenSSL makes of an answer that is no TLS.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})

#: What a server says on plain http that wants TLS (nginx, Go), in lower case.
_WANTS_TLS = (b"plain http request was sent to https port", b"http request to an https server")


class Remedies(NamedTuple):
    """Ends of sentences: what helps against a failure of TLS."""

    authority: str
    """Nobody that is trusted has signed its certificate."""
    anyway: str
    """Something else is wrong with it."""
    plain: str
    """It does not speak TLS."""
    encrypted: str
    """It speaks TLS, and was not asked so."""


#: For commands.
FLAGS = Remedies(
    authority=": name the right one with --ca FILE or SSL_CERT_FILE, or take any certificate with --insecure",
    anyway="; --insecure takes any certificate",
    plain=": use --plain-http",
    encrypted=": use --ca FILE with its authority, or --insecure to take any",
)


def hint(remedies: Remedies = FLAGS) -> str:
    """What to do about a server that wants TLS where http was spoken."""
    return f"it speaks TLS, and was asked over plain http{remedies.encrypted}"


_SECONDS = 5.0


def client_context(*, verify: bool, ca: str = "") -> ssl.SSLContext | bool:
    """Whom to trust: the authorities in the file `ca`, or those of the machine and of SSL_CERT_FILE; False: anybody.

    TLS below 1.2 is refused by the default context. Raises UpstreamError.
    """
    if not verify:
        return False
    try:
        return ssl.create_default_context(cafile=ca or None)
    except ssl.SSLError as cause:
        raise UpstreamError(f"--ca: {ca} holds no certificate in PEM") from cause
    except OSError as cause:
        raise UpstreamError(f"--ca: {ca} cannot be read: {cause.strerror}") from cause


def failure(cause: BaseException, remedies: Remedies = FLAGS) -> str:
    """What an error of TLS says of the server, and what helps; empty where it says nothing."""
    inner = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause
    if isinstance(inner, ssl.SSLCertVerificationError):
        if inner.verify_code in _UNKNOWN:
            return f"TLS failed: no authority that is trusted here has signed its certificate{remedies.authority}"
        said = inner.verify_message.rstrip(".")
        if inner.verify_code in _OTHER_NAME:
            return f"TLS failed: its certificate is for another name ({said}){remedies.anyway}"
        return f"TLS failed: its certificate is not valid ({said}){remedies.anyway}"
    if isinstance(inner, ssl.SSLError) and inner.reason in _NO_TLS:
        return f"TLS failed: it does not speak TLS but perhaps plain http{remedies.plain}"
    return ""


def unreachable(cause: aiohttp.ClientConnectorError) -> str:
    """Why no connection could be made, and what to look at."""
    number = cause.os_error.errno
    if number == errno.ECONNREFUSED:
        return "connection refused; is the server running, and is this its port?"
    if number is not None and number > 0:
        return os.strerror(number).lower()
    return (cause.os_error.strerror or str(cause.os_error)).lower()  # what a resolver says


def wants_tls(status: int, body: bytes) -> bool:
    """Whether an answer on plain http says that the port is one for TLS."""
    return status == 400 and any(words in body[:1024].lower() for words in _WANTS_TLS)


async def speaks_tls(host: str, port: int) -> bool:
    """Whether a server that broke off on plain http does better with TLS. Nothing but a handshake is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with suppress(OSError, TimeoutError):  # among them ssl.SSLError
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.transport.abort()
        return True
    return False
