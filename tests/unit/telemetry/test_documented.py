"""docs/running.md names every metric and every field of the access log, and none that there is not."""

import re
from pathlib import Path

import msgspec

from orlop.ports.catalog import Totals
from orlop.telemetry.advisories import ReadUse, SourceUse
from orlop.telemetry.attesting import SigningUse
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestRecord
from orlop.telemetry.waiting import DiskUse, FollowerLag, QueueDepth, Waiting

PAGE = Path(__file__).parents[3] / "docs" / "running.md"


def test_every_metric_is_documented() -> None:
    metrics = Metrics()
    metrics.requests.count("ping", "GET", 200, 0.1, 0, 0)
    metrics.collection.finished("done", seconds=1.0)
    metrics.blob_cache.read("kept")
    metrics.job_ended("collection", "finish")
    metrics.webhooks.attempted(True)
    metrics.advisories.imported(changed=1, same=1, refused=1)
    metrics.spans("sent", 1)
    jobs = [QueueDepth("collection", 1, 1, 1, 1.0)]
    waiting = Waiting(
        (FollowerLag("audit", 1, 1.0, 1),),
        1,
        1.0,
        1,
        1,
        jobs,
        (),
        DiskUse(1, 1, 1),
        (),
        (SourceUse("osv", 1.0, False),),
        ReadUse(1, 1),
        signing=SigningUse(1, 1.0),
    )
    page = metrics.render(Totals(1, 1, 1, 1, 1, 1, 1), waiting).decode()
    exposed = set(re.findall(r"^# TYPE (orlop_\w+) ", page, re.MULTILINE))
    assert set(re.findall(r"`(orlop_\w+)`", PAGE.read_text())) == exposed


def test_every_field_of_the_access_log_is_documented() -> None:
    fields = {field.name for field in msgspec.structs.fields(RequestRecord)} | {"event"}
    table = PAGE.read_text().partition("| field | |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")}
    assert named == fields
