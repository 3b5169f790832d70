"""How PostgreSQL runs every statement where it has the choice of an index: the twin of `test_plans`."""

import asyncio

import asyncpg
import pytest

from orlop.adapters.sql.statements import POSTGRES
from tests.postgres import PostgresServer

pytestmark = pytest.mark.slow

#: Tables of a handful of rows, of what is open now, or with one row for each day; they are read as a whole.
SMALL = {"totals", "outbox_epoch", "access_state", "signing_keys", "audit_keys", "audit_segments"}

#: Reads of a whole table that would be too slow elsewhere, with the reason why they are not here.
EXCEPTIONS = {
    "totals": {"uploads": "open sessions, for metrics and readiness"},
    "restored_sign_ons": {"sign_ons": "a row for each person, once when a backup is restored"},
}

ON_THE_WAY = sorted(name for name in POSTGRES if not name.startswith(("finding_", "inspect_", "clear_")))


async def _plans(url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        plans = {}
        for number, name in enumerate(ON_THE_WAY):
            types = (await connection.prepare(POSTGRES[name])).get_parameters()
            await connection.execute(f"PREPARE p{number} AS {POSTGRES[name]}")
            given = f"({', '.join('NULL' for _ in types)})" if types else ""
            plans[name] = [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE p{number}{given}")]
        return plans
    finally:
        await connection.close()


def test_no_statement_reads_a_whole_table(postgres: PostgresServer) -> None:
    slow = {}
    for name, steps in asyncio.run(_plans(postgres.catalog())).items():
        tables = {step.partition("Seq Scan on ")[2].split()[0] for step in steps if "Seq Scan on " in step}
        slow[name] = tables - SMALL
    assert {name: tables for name, tables in slow.items() if tables - EXCEPTIONS.get(name, {}).keys()} == {}
