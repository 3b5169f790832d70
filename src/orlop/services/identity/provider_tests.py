"""Trying a sign-on provider out: whether it answers, and says of itself what is needed, before somebody signs in."""

from collections.abc import AsyncIterator, Callable

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.identity.providers import PROVIDER, Provider, decode_provider
from orlop.ports.settings import Documents
from orlop.services.management.operations import Gate, Operation

#: Tries one out, by its name: a sentence for each thing that works. Raises Unavailable, which says what does not.
Trial = Callable[[str, Provider], AsyncIterator[str]]


class ProviderTested(msgspec.Struct, frozen=True):
    """What came of it."""

    found: tuple[str, ...]
    """What works, as sentences, in the order in which it was tried."""
    failure: str = ""
    """What does not, and ended it; empty: everything works that can be tried without a person."""


class ProviderTests:
    """For those who rule the registry. Nothing of before is remembered, and nothing is changed."""

    def __init__(self, gate: Gate, documents: Documents, trial: Trial) -> None:
        self._gate = gate
        self._documents = documents
        self._trial = trial

    async def test(self, caller: Caller, name: str) -> ProviderTested:
        """Raises NotFound."""
        await self._gate.check(caller, Operation.PROVIDER_TEST)
        document = await self._documents.get(PROVIDER, name)
        if document is None:
            raise NotFound(f"there is no sign-on provider {name}")
        found: list[str] = []
        try:
            async for sentence in self._trial(name, decode_provider(document.body)):
                found.append(sentence)  # noqa: PERF401 - those before a failure are kept
        except RegistryError as failure:
            return ProviderTested(tuple(found), failure.message)
        except msgspec.MsgspecError as failure:
            return ProviderTested(tuple(found), f"its settings cannot be read: {failure}")
        return ProviderTested(tuple(found))
