"""Makes the first account of a new registry on its catalog."""

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores.catalogs import Siblings, open_catalog
from orlop.bootstrap.stores.opening import StartRefused
from orlop.config import Settings
from orlop.domain.errors import RegistryError
from orlop.ports.identity import Identity
from orlop.services.identity.first_account import FirstPassword, create_first_account


async def create_first(identity: Identity, password: FirstPassword) -> bool:
    """Make the first account on an open catalog; whether it was made here."""
    from orlop.adapters.identity.passwords import Argon2Hasher

    hasher = Argon2Hasher()
    try:
        return await create_first_account(identity, hasher, password, SystemClock())
    finally:
        hasher.close()


async def create_in(settings: Settings, password: FirstPassword) -> bool:
    """Make it in the prepared catalog of the settings; whether it was made here. Raises StartRefused."""
    opened = open_catalog(settings, Siblings([0], 0))
    try:
        return await create_first(opened.identity, password)
    except RegistryError as error:
        raise StartRefused(f"the first account cannot be made: {error.message}") from error
    finally:
        await opened.engine.close()
