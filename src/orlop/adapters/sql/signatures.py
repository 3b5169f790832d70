"""What came of looking at signatures of images, as rows."""

import asyncio
import zlib
from collections.abc import Mapping

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.access.subjects import SYSTEM
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.ports.by import By
from orlop.ports.signatures import QUESTIONS, JudgedSignature, KeptJudgement, SignatureNews

#: Rows that are looked at together for whether anything holds them.
_WINDOW = 200

_verdicts = msgspec.msgpack.Decoder(dict[str, JudgedSignature])
_packed_nothing = zlib.compress(msgspec.msgpack.encode({}))


class SqlSignatureVerdicts:
    """See ports.signatures.SignatureVerdicts. What a power cut takes is found again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def of(self, image: Digest, question: str) -> KeptJudgement | None:
        row = await self._reader.one("signature_verdicts_of", image, question)
        if row is None:
            return None
        at, packed = row
        return KeptJudgement(at=at, verdicts=_verdicts.decode(zlib.decompress(packed)))

    async def keep(self, image: Digest, question: str, judgement: KeptJudgement, news: SignatureNews) -> None:
        packed = zlib.compress(msgspec.msgpack.encode(judgement.verdicts))

        async def steps(tx: Session, ledger: Ledger) -> None:
            await tx.run("signature_verdicts_begin", image, question, judgement.at, _packed_nothing)
            row = await tx.one("signature_verdicts_of", image, question)
            if row is None:
                return
            before = _verdicts.decode(zlib.decompress(row[1]))
            await tx.run("signature_verdicts_put", image, question, judgement.at, packed)
            await tx.run("signature_verdicts_drop", image, QUESTIONS)
            for kind, told in (
                (EventKind.SIGNATURE_VERIFIED, news.verified),
                (EventKind.SIGNATURE_REFUSED, news.refused),
            ):
                fresh = [
                    detail
                    for name, detail in told.items()
                    if _counts(before, name) != _counts(judgement.verdicts, name)
                ]
                if fresh:
                    more = f" (and {len(fresh) - 1} more)" if len(fresh) > 1 else ""
                    ledger.event(kind, news.repository, image, detail=fresh[0] + more)

        # Durable where it may write an event: ids that receivers have seen must not be given to other events.
        told = bool(news.verified or news.refused)
        await self._engine.write(recorded(By(SYSTEM.name, judgement.at), steps), durable=told, changes=False)

    async def forget(self) -> int:
        removed = after = 0
        while rows := await self._reader.all("signature_verdicts_window", after, _WINDOW):
            after = rows[-1][0]
            loose = [(row,) for row, is_loose in rows if is_loose]
            if loose:

                async def script(tx: Session, gone: list[tuple[int]] = loose) -> None:
                    await tx.many("signature_verdicts_forget", gone)

                await self._engine.write(script, durable=False, changes=False)
                removed += len(loose)
            await asyncio.sleep(0)
        return removed


def _counts(verdicts: Mapping[str, JudgedSignature], name: str) -> frozenset[tuple[int, str]] | None:
    """For whom a signature counts, of what is known of it; None: nothing is."""
    found = verdicts.get(name)
    return None if found is None else frozenset((one.signers, one.party) for one in found.makers if one.counts)
