"""New passwords of local users: held to the rules, hashed, kept."""

from orlop.domain.identity.passwords import UNCHANGED, PasswordRefused, prepared, refuse_weak
from orlop.ports.catalog import By
from orlop.ports.credentials import PasswordHasher
from orlop.ports.identity import Passwords


class NewPasswords:
    """`least`: how many characters a password has at least."""

    def __init__(self, passwords: Passwords, hasher: PasswordHasher, *, least: int) -> None:
        self._passwords = passwords
        self._hasher = hasher
        self._least = least

    def acceptable(self, name: str, password: str) -> None:
        """Raises PasswordRefused when it may not be the password of that user."""
        refuse_weak(password, name=name, least=self._least)

    async def set(self, name: str, password: str, *, must_change: bool, by: By) -> None:
        """Make it the password; what they are signed in with ends. Raises NotFound, PasswordRefused, TooManyRequests.

        With `must_change` they can do nothing before they have chosen another.
        """
        self.acceptable(name, password)
        kept = await self._hasher.hash(prepared(password))
        await self._passwords.set(name, kept, must_change=must_change, by=by)

    async def change(self, name: str, password: str, *, by: By) -> None:
        """Make another one the password, by whoever has it. Raises as `set` does, and PasswordRefused for the same one:
        whoever has to change a password that others know is not let off with it."""
        self.acceptable(name, password)
        record = await self._passwords.get(name)
        if record is not None and await self._hasher.verify(record.hash, prepared(password)):
            raise PasswordRefused(UNCHANGED)
        await self.set(name, password, must_change=False, by=by)
