"""A switch that is set while terms are made is heeded: in them, or by the version that they hold by."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orlop.domain.access import Caller
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.errors import Denied, RegistryError, RegistryReadOnly
from orlop.domain.read_only import READ_ONLY
from orlop.domain.settings import SettingKind
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from orlop.ports.terms import Terms
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from tests.contract.scene import APP, V1
from tests.registry import ALICE, HandClock, Registry, in_memory

ITSELF = Caller(SYSTEM)


class Switched(SettingsInForce):
    """Settings to which a switch comes just before terms are made from them."""

    async def versioned(self, kind: SettingKind, path: str) -> tuple[int, tuple[Any, ...]]:
        """See SettingsInForce."""
        if kind is not READ_ONLY and not await self._documents.all(READ_ONLY.kind):
            await self._documents.put(Document(READ_ONLY.kind, "switch", b'{"reason": "moving"}'), By("admin", 1))
        return await super().versioned(kind, path)


Make = Callable[[WriteTerms], Awaitable[Terms]]


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (lambda terms: terms.push(ALICE, APP), RegistryReadOnly),
        (lambda terms: terms.push(ALICE, APP, (V1,)), RegistryReadOnly),
        (lambda terms: terms.push(ITSELF, APP), RegistryReadOnly),
        (lambda terms: terms.by_itself(ALICE, APP, (V1,)), RegistryReadOnly),
        (lambda terms: terms.released(APP, (V1,)), RegistryReadOnly),
        (lambda terms: terms.removal(ALICE, APP), RegistryReadOnly),
        (lambda terms: terms.removal(ITSELF, APP), RegistryReadOnly),
        (lambda terms: terms.cached("team", APP, (V1,)), Denied),
    ],
)
async def test_no_terms_hold_by_the_version_of_a_switch_that_they_do_not_heed(
    make: Make, refusal: type[RegistryError]
) -> None:
    clock = HandClock()
    stores = in_memory(clock).stores
    registry = Registry(stores, clock)
    assert stores.settings is not None
    settings = Switched(*stores.settings)
    terms = WriteTerms(registry.access, settings, registry.upstreams, ReadOnlyMode(settings, clock))
    with pytest.raises(refusal, match="the registry is read-only: moving"):
        await make(terms)
