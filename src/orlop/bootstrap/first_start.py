"""What `orlop serve` does once before its workers begin: ready stores, and the first account of a new registry."""

import asyncio
import secrets
from collections.abc import MutableMapping
from functools import partial

from orlop.bootstrap.catalogs import Siblings, open_catalog
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores import StartRefused, is_to_be_made, prepare
from orlop.config import Settings
from orlop.config.sources import ADMIN_PASSWORD_VARIABLE
from orlop.domain.errors import RegistryError
from orlop.domain.passwords import PasswordRefused
from orlop.ports.identity import Identity
from orlop.server import FirstAccount, Prepared
from orlop.server.worker import ApplicationFactory
from orlop.services.first_start import ADMIN, FirstPassword, create_first_account, first_password


class FirstStart:
    """`environment` is the process's own: a password in it is taken out, so that no worker inherits it."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._chosen = environment.pop(ADMIN_PASSWORD_VARIABLE, "")
        self._later: FirstPassword | None = None
        self._store = ""

    def prepare(self, settings: Settings) -> Prepared:
        """Make the stores ready, and the first account in them; what was made now. Raises StartRefused.

        In a registry where everybody may do everything nobody needs an account, and none is made.
        """
        password = None if settings.open else self._password(settings)
        is_new = is_to_be_made(settings)
        self._store = prepare(settings, occupying=True)
        if password is None:
            return Prepared(is_new=is_new)
        if settings.in_memory:  # there is no catalog before the one worker opens it
            self._later = password
        elif not asyncio.run(_create_in(settings, password)):
            return Prepared(is_new=is_new)
        return Prepared(FirstAccount(ADMIN, password.text if password.drawn else ""), is_new=is_new)

    def application(self) -> ApplicationFactory:
        """What runs in each worker."""
        from orlop.bootstrap.server import application

        return partial(application, first=self._later, store=self._store)

    def _password(self, settings: Settings) -> FirstPassword:
        try:
            return first_password(self._chosen, secrets.token_bytes, least=settings.auth.password_length)
        except PasswordRefused as refusal:
            raise StartRefused(f"{ADMIN_PASSWORD_VARIABLE}: {refusal.message}", exit_code=2) from refusal


async def create_first(identity: Identity, password: FirstPassword) -> bool:
    """Make the first account on an open catalog; whether it was made here."""
    from orlop.adapters.identity.passwords import Argon2Hasher

    hasher = Argon2Hasher()
    try:
        return await create_first_account(identity, hasher, password, SystemClock())
    finally:
        hasher.close()


async def _create_in(settings: Settings, password: FirstPassword) -> bool:
    opened = open_catalog(settings, Siblings([0], 0))
    try:
        return await create_first(opened.identity, password)
    except RegistryError as error:
        raise StartRefused(f"the first account cannot be made: {error.message}") from error
    finally:
        await opened.close()
