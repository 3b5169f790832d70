"""Steps of signing in with a browser, and what is kept of sign-ins through providers."""

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.engine import Session as Tx
from orlop.adapters.sql.identity.writing import locked_account
from orlop.domain.errors import Conflict, TooManyRequests
from orlop.ports.browser import SignOn, Step


class SqlSteps:
    """See ports.browser.Steps. What a power cut takes is begun again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self, step: Step, *, now: int, at_most: int = 0) -> None:
        async def script(tx: Tx) -> None:
            if at_most:
                row = await tx.one("steps_of_address", step.address, now)
                if row is not None and row[0] >= at_most:
                    raise TooManyRequests(
                        "too many have begun to sign in from this address; try again in a few minutes"
                    )
            values = (step.id, step.kind, step.body, step.address, step.expires_at)
            if await tx.one("step_begin", *values, now) is None:
                raise Conflict("that was begun already")

        await self._engine.write(script, durable=False, changes=False)

    async def get(self, id: str, kind: str, now: int) -> Step | None:  # noqa: A002
        row = await self._engine.reader.one("step_get", id, kind, now)
        return _step(row) if row else None

    async def take(self, id: str, kind: str, now: int) -> Step | None:  # noqa: A002
        async def script(tx: Tx) -> Step | None:
            row = await tx.one("step_take", id, kind, now)
            return _step(row) if row else None

        if await self.get(id, kind, now) is None:
            return None
        return await self._engine.write(script, durable=False, changes=False)

    async def forget(self, expired_before: int) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("steps_forget", expired_before)

        await self._engine.write(script, durable=False, changes=False)


class SqlSignOns:
    """See ports.browser.SignOns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(self, sign_on: SignOn) -> None:
        async def script(tx: Tx) -> None:
            account = await locked_account(tx, sign_on.account)
            await tx.run(
                "sign_on_put",
                sign_on.provider,
                sign_on.external,
                account.id,
                sign_on.refresh_token,
                sign_on.checked_at,
            )

        await self._engine.write(script, changes=False)

    async def due(self, provider: str, before: int, limit: int) -> tuple[SignOn, ...]:
        found = await self._engine.reader.all("sign_ons_due", provider, before, limit)
        return tuple(
            SignOn(provider=row[0], external=row[1], account=row[2], refresh_token=row[3], checked_at=row[4])
            for row in found
        )

    async def renewed(self, old: SignOn, new: SignOn) -> bool:
        async def script(tx: Tx) -> bool:
            row = await tx.one(
                "sign_on_renewed",
                old.provider,
                old.external,
                old.refresh_token,
                old.checked_at,
                new.refresh_token,
                new.checked_at,
            )
            return row is not None

        return await self._engine.write(script, changes=False)

    async def remove(self, provider: str, external: str) -> None:
        async def script(tx: Tx) -> None:
            await tx.run("sign_on_remove", provider, external)

        await self._engine.write(script, changes=False)


def _step(row: tuple[str, str, bytes, str, int]) -> Step:
    return Step(id=row[0], kind=row[1], body=bytes(row[2]), address=row[3], expires_at=row[4])
