"""How scheduled backups go, for Prometheus: told by the catalog, and so the same of every worker."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric


class BackupUse(NamedTuple):
    """A schedule: how old its newest whole backup and its last good drill are, in seconds (None: there is none), what
    the newest holds and copied in bytes, how long it took, and how often either failed since it went well."""

    schedule: str
    age: float | None
    drill_age: float | None
    bytes: int
    new_bytes: int
    seconds: float
    failures: int
    drill_failures: int


def backup_families(backups: Sequence[BackupUse]) -> Iterable[Metric]:
    """What is true at the moment of asking."""

    def family(name: str, meaning: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"orlop_backup_{name}", meaning, labels=("schedule",))

    age = family("age_seconds", "How old the newest whole backup of a schedule is.")
    drill_age = family("drill_age_seconds", "How long ago a backup of a schedule was last restored and found good.")
    held = family("bytes", "What the newest backup holds.")
    new = family("new_bytes", "What was copied for it.")
    seconds = family("duration_seconds", "How long it took.")
    failures = family("failures", "Tries that failed since a backup was made.")
    drill_failures = family("drill_failures", "Drills that failed since one went well.")
    for each in backups:
        label = (each.schedule,)
        if each.age is not None:
            age.add_metric(label, each.age)
            held.add_metric(label, each.bytes)
            new.add_metric(label, each.new_bytes)
            seconds.add_metric(label, each.seconds)
        if each.drill_age is not None:
            drill_age.add_metric(label, each.drill_age)
        failures.add_metric(label, each.failures)
        drill_failures.add_metric(label, each.drill_failures)
    yield from (age, drill_age, held, new, seconds, failures, drill_failures)
