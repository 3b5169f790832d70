"""What was used up of rates, by those who came to several replicas."""

from collections.abc import Mapping

from orlop.adapters.sql.engine import Engine, Row
from orlop.adapters.sql.engine import Session as Tx
from orlop.ports.rates import Used


class SqlRates:
    """See ports.rates.RateLedger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def tell(self, more: Mapping[int, Used], now: int, furthest: int, *, limit: int) -> dict[int, Used]:
        # In order, so that two replicas that tell of the same ones wait for each other in one direction only.
        rows = [(who, *(min(now + each, furthest) for each in more[who]), now, furthest) for who in sorted(more)]

        async def script(tx: Tx) -> list[Row]:
            await tx.many("rate_told", rows)
            await tx.run("rates_forget", now)
            # Within the transaction: a failure after it would have them told of again.
            return await tx.all("rates_now", now, limit)

        if rows:
            told = await self._engine.write(script, durable=False, changes=False)
        else:
            told = await self._engine.reader.all("rates_now", now, limit)
        return {who: (one, two, three) for who, one, two, three in told}
