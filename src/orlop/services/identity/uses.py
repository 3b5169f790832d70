"""When accounts and secrets were used last: gathered in memory and written in batches, so that no request waits."""

from orlop.domain.access import Subject
from orlop.ports.clock import Clock
from orlop.ports.identity import Uses

#: Accounts and secrets held at most; beyond it none is added until they are written.
_HELD = 20_000


class UseLog:
    """Remembers the last use of each until somebody flushes them."""

    def __init__(self, uses: Uses, clock: Clock) -> None:
        self._uses = uses
        self._clock = clock
        self._secrets: dict[int, tuple[int, str]] = {}
        self._accounts: dict[int, tuple[int, str]] = {}
        self._sign_ins: dict[int, str] = {}

    def seen(self, subject: Subject, address: str) -> None:
        """Somebody asks for something now."""
        use = (self._clock.now(), address)
        for used, number in ((self._accounts, subject.id), (self._secrets, subject.credential_id)):
            if number and (number in used or len(used) < _HELD):
                used[number] = use

    def signed_in(self, account: int, address: str) -> None:
        """Somebody has just proved who they are with a password, or in a browser."""
        if account in self._sign_ins or len(self._sign_ins) < _HELD:
            self._sign_ins[account] = address

    async def flush(self) -> int:
        """Write what was gathered; how many uses."""
        secrets, self._secrets = self._secrets, {}
        accounts, self._accounts = self._accounts, {}
        sign_ins, self._sign_ins = self._sign_ins, {}
        if secrets or accounts or sign_ins:
            await self._uses.record(secrets, accounts, sign_ins)
        return len(secrets) + len(accounts)
