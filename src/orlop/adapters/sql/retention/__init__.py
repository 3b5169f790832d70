"""Retention in SQL: what repositories hold, plans, what these delete, and what is in use."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.retention.in_use import SqlInUse
from orlop.adapters.sql.retention.inventories import SqlInventories
from orlop.adapters.sql.retention.plans import SqlRetentionPlans
from orlop.adapters.sql.retention.removals import SqlRemovals
from orlop.ports.retention import Retention


def retention_on(engine: Engine, lists: Session) -> Retention:
    """Every role of retention; what repositories hold may be read by `lists`."""
    plans, removals = SqlRetentionPlans(engine), SqlRemovals(engine)
    return Retention(SqlInventories(engine.reader, lists), plans, removals, SqlInUse(engine))
