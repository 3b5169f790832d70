"""What came of looking at signatures of images, as rows."""

import asyncio
import zlib

import msgspec

from orlop.adapters.sql.engine import Engine, Session
from orlop.domain.digest import Digest
from orlop.ports.signatures import QUESTIONS, JudgedSignature, KeptJudgement

#: Rows that are looked at together for whether anything holds them.
_WINDOW = 200

_verdicts = msgspec.msgpack.Decoder(dict[str, JudgedSignature])


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

    async def keep(self, image: Digest, question: str, judgement: KeptJudgement) -> None:
        packed = zlib.compress(msgspec.msgpack.encode(judgement.verdicts))

        async def script(tx: Session) -> None:
            await tx.one("signature_verdicts_keep", image, question, judgement.at, packed)
            await tx.run("signature_verdicts_drop", image, QUESTIONS)

        await self._engine.write(script, durable=False, changes=False)

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
