"""TLS that asks clients for certificates, and says to whom it refuses one why.

An event loop drops a connection whose handshake fails, and with it the alert that tells the client "revoked", "expired"
or "unknown authority". Here the handshake stands still until the client has heard it and left.
"""

import contextvars
import ssl
from collections.abc import Callable

#: Is told once of a certificate that was refused, in words.
OnRefused = Callable[[str], None]

#: Whom to tell of the handshake that is under way.
on_refused: contextvars.ContextVar[OnRefused] = contextvars.ContextVar("on_refused")


def _nobody(why: str) -> None:
    """Nobody asked to be told."""


#: Bytes of a client that goes on talking after it was refused.
_PATIENCE = 64 * 1024


class AskingConnection(ssl.SSLObject):
    """One connection, as an event loop handles it."""

    incoming: ssl.MemoryBIO
    _refused: ssl.SSLCertVerificationError | None = None
    _passed_over = 0

    def do_handshake(self) -> None:
        """See ssl.SSLObject. After a refusal it waits, for nothing, until the client has left."""
        if self._refused is None:
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as refusal:
                self._refused = refusal
                told: OnRefused = on_refused.get(_nobody)
                told(refusal.verify_message)
            else:
                return
        self._passed_over += len(self.incoming.read())
        if self._passed_over > _PATIENCE:
            raise self._refused
        raise ssl.SSLWantReadError


class AskingContext(ssl.SSLContext):
    """Makes such connections."""

    sslobject_class = AskingConnection

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See ssl.SSLContext."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(made, AskingConnection)
        made.incoming = incoming
        return made
