"""What management needs of whoever makes and checks credentials: passwords, secrets, signing keys."""

from typing import Protocol

import msgspec

from orlop.ports.catalog import By


class PasswordRules(Protocol):
    """Passwords of local users."""

    async def acceptable(self, name: str, password: str) -> None:
        """Raises RequestInvalid when it may not be the password of that user: too short, or too easily guessed."""

    async def set(self, name: str, password: str, *, must_change: bool, by: By) -> None:
        """Make it the password; what they are signed in with ends. Raises NotFound."""


class Minted(msgspec.Struct, frozen=True):
    """A new secret: the whole of it, for its owner and nobody else, and what is kept of it."""

    text: str
    lookup: str
    hash: str

    def __repr__(self) -> str:
        return f"Minted({self.lookup!r}, …)"


class Mint(Protocol):
    """Makes secrets that nobody can guess."""

    def new(self, kind: str) -> Minted:
        """A secret of a kind (see ports.identity.Secret.kind)."""
        ...


class KeyRotation(Protocol):
    """Changes the key that signs tokens."""

    async def rotate(self, by: By) -> None:
        """Make a new key that signs from soon on; tokens that the others signed hold until they expire."""
