"""What `orlop serve` does once before its workers begin: ready stores, and the first account of a new registry."""

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from orlop.bootstrap.server.first_account import create_in
from orlop.bootstrap.stores.opening import StartRefused, is_to_be_made, prepare
from orlop.config import Settings
from orlop.config.sources import ADMIN_PASSWORD_VARIABLE
from orlop.domain.identity.passwords import PasswordRefused
from orlop.server import FirstAccount, Prepared
from orlop.server.worker import ApplicationFactory
from orlop.services.identity.first_account import ADMIN, FirstPassword, first_password


class FirstStart:
    """`chosen` is the password that somebody chose for the first account; empty: one is drawn if it is needed.
    `sources`: where each setting came from."""

    def __init__(self, chosen: str, sources: Mapping[str, str] = MappingProxyType({})) -> None:
        self._chosen = chosen
        self._sources = sources
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
        elif not asyncio.run(create_in(settings, password)):
            return Prepared(is_new=is_new)
        return Prepared(FirstAccount(ADMIN, password.text if password.drawn else ""), is_new=is_new)

    def application(self) -> ApplicationFactory:
        """What runs in each worker."""
        from orlop.bootstrap.server.application import application

        return partial(application, first=self._later, store=self._store, sources=self._sources)

    def _password(self, settings: Settings) -> FirstPassword:
        try:
            return first_password(self._chosen, secrets.token_bytes, least=settings.auth.password_length)
        except PasswordRefused as refusal:
            raise StartRefused(f"{ADMIN_PASSWORD_VARIABLE}: {refusal.message}", exit_code=2) from refusal
