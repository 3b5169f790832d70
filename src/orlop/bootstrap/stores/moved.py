"""Whether a registry is still at the place that the settings name."""

from orlop.bootstrap.stores.catalogs import Siblings, open_sql
from orlop.bootstrap.stores.places import blob_store_name
from orlop.config import Settings
from orlop.domain.moving import Move, MoveState
from orlop.ports.stores import StoreRefused


async def refuse_elsewhere(settings: Settings) -> None:
    """Raises StoreRefused when the registry has moved away, or is only about to come; Unavailable."""
    move, blobs = await _standing(settings), blob_store_name(settings)
    if move.state is MoveState.MOVED:
        raise StoreRefused(f"this registry has moved to {move.other}; start it with settings that name that place")
    if move.state is MoveState.FILLING:
        raise StoreRefused(
            f"a move from {move.other} to here is not finished; finish it with `orlop store migrate` over there"
        )
    if move.blobs and move.blobs != blobs:
        raise StoreRefused(f"the blobs of this catalog have moved to {move.blobs}; the settings name {blobs}")


async def _standing(settings: Settings) -> Move:
    from orlop.adapters.sql.moving import SqlMoves

    opened = open_sql(settings, Siblings([0], 0), blob_store_name(settings))
    try:
        return await SqlMoves(opened.engine).current()
    finally:
        await opened.engine.close()
