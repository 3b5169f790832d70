"""How the addresses of one upstream are reached, as its setting says: directly or through a proxy, and with which
certificates. Every connection goes to addresses that may be connected to, whoever named them."""

import ssl

import aiohttp
from yarl import URL

from orlop.adapters.addresses import Permitted, connector, literal, refuse
from orlop.adapters.certificates import Unusable, context
from orlop.adapters.upstream.transport import Site, site
from orlop.ports.upstream import UpstreamError

#: Connections that nothing is asked over are closed after so many seconds: servers keep them longer.
_IDLE = 25.0


#: A context, or True for that of the machine's authorities, which all connections share.
Tls = ssl.SSLContext | bool


class SettingRoutes:
    """See Routes.

    Certificates that are shown, and authorities in the place of the machine's, are for the registry itself; whom it
    names beside itself is checked by either.
    """

    def __init__(self, registry: Site, permitted: Permitted, proxy: str, own: Tls, others: Tls):
        self._registry = registry
        self._permitted = permitted
        self._proxied = bool(proxy)
        self._proxy = proxy if proxy.startswith("http:") else None
        self._own = own
        self._others = others

    def proxy(self, url: URL) -> str | None:
        if self._proxied:
            address = literal(url.host or "")
            if address:
                try:
                    refuse(address, self._permitted)
                except OSError as cause:
                    raise UpstreamError(f"{url.authority} cannot be reached: {cause.strerror}") from cause
        return self._proxy

    def tls(self, url: URL) -> ssl.SSLContext | bool:
        return self._own if site(url) == self._registry else self._others


def contexts(ca: str, certificate: str, key: str) -> tuple[Tls, Tls]:
    """For the registry itself, and for whom it names. Raises UpstreamError."""
    try:
        return (
            context(ca, certificate, key) if ca or certificate else True,
            context(ca, beside=True) if ca else True,
        )
    except Unusable as cause:
        raise UpstreamError(f"the certificates or the key of the upstream cannot be used: {cause}") from cause


def connections(permitted: Permitted, proxy: str) -> aiohttp.TCPConnector:
    """What makes the connections. A proxy is the operator's own word, so it may lie anywhere."""
    if proxy.startswith("socks"):
        from orlop.adapters.upstream.socks import SocksConnector  # few need it

        return SocksConnector(proxy, permitted, _IDLE)
    return connector((lambda _: True) if proxy else permitted, limit=0, idle=_IDLE)
