"""Answers that are given again to a request that is sent again."""

from typing import Protocol

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """What is known of a key. `answer` None: the first request with it is not answered yet."""

    fingerprint: str
    """Of the request, so that another one with the same key is noticed."""
    begun_at: int
    answer: bytes | None


class KeptAnswers(Protocol):
    """By an account and a key of its own; what is kept of a key is a hash of it. Writes no event."""

    async def begin(self, account: int, key: str, fingerprint: str, at: int, *, abandoned_before: int) -> Kept | None:
        """None: the key is new, or its first request began before `abandoned_before` and was never answered; it is
        taken now. Else what is known of it, and nothing changes."""
        ...

    async def finish(self, account: int, key: str, answer: bytes | None) -> None:
        """Keep the answer; None: there is none worth keeping, and the key is new again."""

    async def forget(self, begun_before: int) -> None:
        """Remove what is older."""
