"""The certificate that a server shows: read from its files, and read anew when they change.

Each worker looks for itself. What cannot be used is told once, and what was shown before stays.
"""

import ssl
from pathlib import Path

import structlog

from orlop.config.settings import Tls
from orlop.server.http.asking import AskingContext

_log = structlog.get_logger("orlop.server")

#: How often a worker looks at the files, in seconds.
LOOK_EVERY = 5.0


class TlsUnusable(Exception):
    """A certificate and a key that cannot be used; the message is one sentence that says why."""


def read_tls(tls: Tls) -> ssl.SSLContext | None:
    """What TLS takes, 1.2 or newer; None without it. Raises TlsUnusable."""
    cert, key = tls.cert, tls.key
    if cert is None or key is None:
        return None
    files = (("certificate", cert), ("private key", key), ("authorities of clients", tls.clients))
    for name, file in (*files, ("list of revoked certificates", tls.revoked)):
        if file is None:
            continue
        try:
            file.read_bytes()
        except OSError as error:
            raise TlsUnusable(f"the TLS {name} {file} cannot be read: {error.strerror}") from error
    context = (AskingContext if tls.clients is not None else ssl.SSLContext)(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            message = f"the TLS private key {key} does not belong to the certificate {cert}"
        else:
            message = f"the TLS certificate {cert} or its private key {key} is not PEM that can be used: {error.reason}"
        raise TlsUnusable(message) from error
    except OSError as error:  # it went between the two
        raise TlsUnusable(f"the TLS certificate {cert} cannot be read: {error.strerror}") from error
    if tls.clients is not None:
        _ask_clients(context, tls.clients, tls.revoked)
    return context


def _ask_clients(context: ssl.SSLContext, authorities: Path, revoked: Path | None) -> None:
    """Have clients asked for a certificate, which they need not have. Raises TlsUnusable.

    What is in the file is trusted, whether or not it signed itself. A session that is taken up again is not checked
    again, so it ends with this context.
    """
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(authorities)
    except (ssl.SSLError, OSError) as error:
        raise TlsUnusable(f"{authorities} holds no authority of clients in PEM") from error
    if revoked is not None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        before = context.cert_store_stats()["crl"]
        try:
            context.load_verify_locations(revoked)
        except (ssl.SSLError, OSError) as error:
            raise TlsUnusable(f"{revoked} holds no list of revoked certificates in PEM") from error
        if context.cert_store_stats()["crl"] == before:
            raise TlsUnusable(f"{revoked} holds no list of revoked certificates in PEM")


#: What tells one state of a file from another; None: it is not there.
_Stamp = tuple[int, int, int] | None


class Certificates:
    """Those of one worker. `context` is what new connections are to get."""

    def __init__(self, tls: Tls, context: ssl.SSLContext) -> None:
        self._tls = tls
        self._seen: tuple[_Stamp, ...] = ()
        self._failed: tuple[_Stamp, ...] = ()
        self.context = context

    def look(self) -> bool:
        """Read the files if they changed since they were read; whether there is a new context.

        A pair is replaced file by file, so one that does not fit is told of when it is still there at the next look.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        try:
            context = read_tls(self._tls)
        except TlsUnusable as unusable:
            if stamps == self._failed:
                self._seen = stamps
                _log.error("the new certificate is not used, and the one before stays", reason=str(unusable))
            self._failed = stamps
            return False
        assert context is not None, "without files there is nobody to look"
        is_news = bool(self._seen or self._failed)
        self._seen, self._failed, self.context = stamps, (), context
        if is_news:
            _log.info("the certificate was read anew", certificate=str(self._tls.cert))
        return True

    def look_again(self) -> bool:
        """The same, whether or not anything seems to have changed."""
        self._seen = ()
        self._failed = self._stamps()
        return self.look()

    def _stamps(self) -> tuple[_Stamp, ...]:
        tls = self._tls
        return tuple(_stamp(file) for file in (tls.cert, tls.key, tls.clients, tls.revoked) if file is not None)


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    # Not when its content changed: who may read it does so, too, and some programs set that time back.
    return found.st_ctime_ns, found.st_size, found.st_ino
