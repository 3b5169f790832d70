"""Whether the registry takes writes: asked by every face before a write, and by whoever makes the terms of one."""

from orlop.domain.errors import RegistryError, RegistryReadOnly
from orlop.domain.read_only import READ_ONLY, ReadOnlyStanding, standing_of
from orlop.ports.clock import Clock
from orlop.services.read_only.stores import StoreWrites
from orlop.services.settings.in_force import SettingsInForce


class ReadOnlyMode:
    """By the switches that are set, which every process learns of as of any setting; and by what the stores of this
    process said last. `stores`: None where nobody asks them."""

    def __init__(self, settings: SettingsInForce, clock: Clock, stores: StoreWrites | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self.stores = stores

    async def standing(self) -> ReadOnlyStanding | None:
        """Why no write is taken; None: they are. Raises Unavailable."""
        if self.stores is not None and self.stores.reason:
            return ReadOnlyStanding(self.stores.reason, by_store=True)
        return await self.switched()

    async def switched(self) -> ReadOnlyStanding | None:
        """What the switches alone say. Raises Unavailable."""
        switches = await self._settings.covering(READ_ONLY, "")
        return standing_of(tuple(each.body for each in switches), self._clock.now()) if switches else None

    async def check(self) -> None:
        """Raises RegistryReadOnly where no write is taken."""
        standing = await self.standing()
        if standing is not None:
            raise standing.refusal(self._clock.now())

    async def pause(self) -> int | None:
        """When to ask again whether jobs may go on, in microseconds since 1970, 0: when a setting changes; None: they
        may."""
        standing = await self.standing()
        return None if standing is None else standing.ends_at

    def failed(self, failure: RegistryError) -> None:
        """Somebody's write failed so."""
        if self.stores is not None:
            self.stores.failed(failure)

    async def is_refused(self, failure: RegistryError) -> bool:
        """The same, and whether that is because no write is taken: of a store that is known once it was tried."""
        if isinstance(failure, RegistryReadOnly):
            return True
        return self.stores is not None and await self.stores.is_refused(failure)
