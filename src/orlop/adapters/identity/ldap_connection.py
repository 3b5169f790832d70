"""A connection to one of a directory's servers: found among those that answer, secured, and bound.

ldap3 is synchronous, and its own check of host names rests on a function that Python gave up: certificates are checked
here by the TLS library, against the host that was asked for.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ldap3
import structlog
from ldap3.core.exceptions import LDAPException

from orlop.domain.errors import Unavailable
from orlop.domain.identity.directories import LdapProvider, server_address

_log = structlog.get_logger("orlop.ldap")

#: How long a server that did not answer is asked last, in seconds.
_SHUNNED = 30.0

#: What ldap3 and the sockets below it raise when a server cannot be asked. A TLS failure is an OSError.
FAILED = (LDAPException, OSError)


class _Tls(ldap3.Tls):
    """TLS 1.2 and up, with the chain and the host name checked during the handshake."""

    def __init__(self, ca: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = ssl.create_default_context(cafile=ca or None)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Called by ldap3 for `ldaps` and StartTLS alike."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=connection.server.host)


class Servers:
    """The servers of one directory. `password` is that of `bind_dn`."""

    def __init__(self, provider: LdapProvider, password: str) -> None:
        self._provider = provider
        self._password = password
        self._tls = _Tls(provider.ca)
        self._shunned: dict[str, float] = {}

    @contextmanager
    def searching(self) -> Iterator[tuple[ldap3.Connection, str]]:
        """A connection that may search, and the server that it is to. Raises Unavailable when none can be had."""
        problem: BaseException | None = None
        for server in self._in_order():
            try:
                connection = self._bound(server, self._provider.bind_dn, self._password)
            except FAILED as failure:
                problem = failure
                self._shunned[server] = time.monotonic() + _SHUNNED
                _log.warning("a directory server cannot be asked", server=server, reason=str(failure))
                continue
            self._shunned.pop(server, None)
            try:
                yield connection, server
            except FAILED as failure:
                raise Unavailable("the directory stopped answering; nobody was signed in") from failure
            finally:
                _close(connection)
            return
        raise Unavailable("no server of the directory can be asked; nobody was signed in") from problem

    def accepts(self, server: str, dn: str, password: str) -> bool:
        """Whether a server takes this password for that entry. Raises what FAILED lists.

        "An LDAP client may … inadvertently request unauthenticated access" (RFC 4513, section 5.1.2) with an empty
        password: whoever calls this has refused it.
        """
        assert password, "a bind without a password succeeds for everybody"
        connection = self._open(server, dn, password)
        try:
            return bool(connection.bind())
        finally:
            _close(connection)

    def _in_order(self) -> list[str]:
        now = time.monotonic()
        return sorted(self._provider.servers, key=lambda server: self._shunned.get(server, 0.0) > now)

    def _bound(self, server: str, dn: str, password: str) -> ldap3.Connection:
        connection = self._open(server, dn, password)
        if not connection.bind():
            _close(connection)
            raise LDAPException(f"{server} refuses {dn or 'an anonymous bind'}: {connection.result['description']}")
        return connection

    def _open(self, server: str, dn: str, password: str) -> ldap3.Connection:
        """An open and secured connection that is not bound yet."""
        provider, address = self._provider, server_address(server)
        assert address is not None, "a provider's servers were checked when it was read"
        target = ldap3.Server(
            address.host,
            port=address.port,
            use_ssl=address.secure,
            tls=self._tls if address.secure or provider.start_tls else None,
            get_info=ldap3.NONE,
            connect_timeout=provider.timeout,
        )
        connection = ldap3.Connection(
            target,
            user=dn or None,
            password=password or None,
            authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS,
            auto_referrals=False,  # a server must not send a password elsewhere
            check_names=False,
            receive_timeout=provider.timeout,
        )
        try:
            connection.open()
            if provider.start_tls and not address.secure:
                connection.start_tls()
        except FAILED:
            _close(connection)
            raise
        return connection


def _close(connection: ldap3.Connection) -> None:
    """Say goodbye, and close the socket also where there is nobody left to say it to."""
    with suppress(*FAILED):
        connection.unbind()
    if connection.socket is not None:
        connection.socket.close()
