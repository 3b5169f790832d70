"""What a connection says of itself before anything is asked on it: who is at its ends, and with which certificate."""

import ssl
from asyncio import BaseTransport
from typing import Any

#: The address of who has left before it was asked for.
_NOWHERE = ("", 0)
_ASGI = {"version": "3.0", "spec_version": "2.3"}


def certificate_of(transport: BaseTransport) -> str:
    """That of the client, in PEM, which was found good when the connection was made; empty without one."""
    secured = transport.get_extra_info("ssl_object")
    shown = secured.getpeercert(binary_form=True) if secured is not None else None
    return ssl.DER_cert_to_PEM_cert(shown) if shown else ""


def common_scope(
    transport: BaseTransport, certificate: str, extensions: dict[str, Any], *, is_secure: bool
) -> dict[str, Any]:
    """What is the same in the scopes of all its requests (ASGI, "HTTP Connection Scope" and "TLS Extension")."""
    if certificate:
        extensions = {**extensions, "tls": {"client_cert_chain": (certificate,), "client_cert_error": None}}
    return {
        "type": "http",
        "asgi": _ASGI,
        "scheme": "https" if is_secure else "http",
        "server": (transport.get_extra_info("sockname") or _NOWHERE)[:2],
        "client": (transport.get_extra_info("peername") or _NOWHERE)[:2],
        "root_path": "",
        "extensions": extensions,
    }
