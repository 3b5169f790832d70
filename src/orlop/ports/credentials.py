"""Hashing passwords, and signing tokens."""

from collections.abc import Mapping
from typing import Protocol

from orlop.ports.identity import SigningKey


class PasswordHasher(Protocol):
    """Passwords as they are kept, in a form that is slow to guess from."""

    async def hash(self, password: str) -> str:
        """A PHC string. Raises TooManyRequests when too many wait for it."""
        ...

    async def verify(self, hash: str | None, password: str) -> bool:  # noqa: A002
        """Whether it is the password of that hash. Takes as long for None, an account that is not there, and is then
        false. Raises TooManyRequests when too many wait for it."""
        ...


class TokenSigner(Protocol):
    """Tokens as they travel (RFC 7515, compact), signed with keys of ours (ports.identity.SigningKeys)."""

    algorithm: str
    """The only one that tokens are signed with."""

    def generate(self) -> tuple[str, bytes]:
        """A new private key: its name, made from it, and its PEM."""
        ...

    def public(self, key: SigningKey) -> Mapping[str, str]:
        """The public half as a JSON Web Key (RFC 7517)."""
        ...

    def sign(self, key: SigningKey, payload: bytes) -> str:
        """A token with that payload."""
        ...

    def key_id(self, token: str) -> str | None:
        """The name of the key that a token says it was signed with; None when it cannot be one of our tokens: too
        long, not of three parts, or with a header of its own making."""
        ...

    def verify(self, token: str, key: SigningKey) -> bytes | None:
        """The payload, if that key signed it; what it says is for the caller to look at, its times above all."""
        ...
