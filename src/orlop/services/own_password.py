"""Changing one's own password, for which the old one is asked."""

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid, Unauthorized
from orlop.domain.passwords import UNCHANGED, prepared, refuse_weak
from orlop.ports.catalog import by
from orlop.ports.clock import Clock
from orlop.ports.credentials import PasswordHasher
from orlop.ports.identity import Account, Passwords
from orlop.services.passwords import PasswordSignIn


class OwnPassword:
    """`least`: how many characters a password has at least."""

    def __init__(
        self, sign_in: PasswordSignIn, passwords: Passwords, hasher: PasswordHasher, clock: Clock, *, least: int
    ) -> None:
        self._sign_in = sign_in
        self._passwords = passwords
        self._hasher = hasher
        self._clock = clock
        self._least = least

    async def confirm(self, account: Account, password: str, caller: Caller) -> None:
        """Raises Unauthorized unless it is the account's password, TooManyRequests for those who guess."""
        found = await self._sign_in.account(account.name, password, address=caller.address, request=caller.request)
        if found.id != account.id:
            raise Unauthorized("that is the password of another account")

    async def change(self, account: Account, old: str, new: str, caller: Caller) -> None:
        """Set another one; every session and login of the account ends. Raises Unauthorized, RequestInvalid."""
        if not account.has_password:
            raise RequestInvalid("the password of this account is not kept here; change it where you sign in")
        await self.confirm(account, old, caller)
        if prepared(old) == prepared(new):
            raise RequestInvalid(UNCHANGED)
        refuse_weak(new, name=account.name, least=self._least)
        hashed = await self._hasher.hash(prepared(new))
        await self._passwords.set(account.name, hashed, must_change=False, by=by(caller, self._clock.now()))
