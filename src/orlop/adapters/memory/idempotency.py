"""Answers that are given again, in memory."""

import msgspec

from orlop.ports.idempotency import Kept


class MemoryKeptAnswers:
    """See ports.idempotency.KeptAnswers."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], Kept] = {}

    async def begin(self, account: int, key: str, fingerprint: str, at: int, *, abandoned_before: int) -> Kept | None:
        kept = self._rows.get((account, key))
        if kept is not None and (kept.answer is not None or kept.begun_at >= abandoned_before):
            return kept
        self._rows[account, key] = Kept(fingerprint, at, None)
        return None

    async def finish(self, account: int, key: str, answer: bytes | None) -> None:
        kept = self._rows.get((account, key))
        if kept is None or kept.answer is not None:
            return
        if answer is None:
            del self._rows[account, key]
        else:
            self._rows[account, key] = msgspec.structs.replace(kept, answer=answer)

    async def forget(self, begun_before: int) -> None:
        self._rows = {key: kept for key, kept in self._rows.items() if kept.begun_at >= begun_before}
