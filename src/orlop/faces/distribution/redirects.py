"""Which clients may be sent to the store for a blob, and which get it from us."""

from ipaddress import IPv4Network, IPv6Network, ip_address

import msgspec

from orlop.faces.distribution.exchange import Exchange


class RedirectRules(msgspec.Struct, frozen=True):
    """`networks` of clients that reach the store, none meaning all; beginnings of User-Agents that do not follow."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    never_agents: tuple[str, ...] = ()

    def allow(self, exchange: Exchange) -> bool:
        """Whether the client may be sent to the store."""
        if self.never_agents and exchange.header(b"user-agent").startswith(self.never_agents):
            return False
        if not self.networks:
            return True
        try:
            client = ip_address(exchange.caller.address)
        except ValueError:
            return False
        client = getattr(client, "ipv4_mapped", None) or client
        return any(client in network for network in self.networks)
