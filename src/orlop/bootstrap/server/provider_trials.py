"""Builds what tries sign-on providers out: each time with connections of its own, under the rules of all others."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from orlop.adapters.identity.oidc import OpenIdClient
from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.directories import open_directory
from orlop.config import Settings
from orlop.domain.identity.providers import OidcProvider, Provider
from orlop.ports.clock import Clock
from orlop.ports.settings import Documents
from orlop.services.identity.provider_tests import ProviderTests
from orlop.services.management.operations import Gate


def provider_tests(settings: Settings, gate: Gate, documents: Documents, clock: Clock | None = None) -> ProviderTests:
    """Of one process."""
    places, networks, clock = settings.secrets.places, settings.outbound.allowed, clock or SystemClock()

    async def trial(name: str, provider: Provider) -> AsyncIterator[str]:
        if isinstance(provider, OidcProvider):
            client = OpenIdClient(clock, SecretFetcher(places), networks)
            async with aclosing(client.trial(provider)) as found:
                async for sentence in found:
                    yield sentence
            return
        directory = open_directory(places, name, provider)
        try:
            for sentence in await directory.trial():
                yield sentence
        finally:
            directory.close()

    return ProviderTests(gate, documents, trial)
