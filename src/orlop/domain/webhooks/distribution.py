"""The envelope of distribution's notifications (distribution/distribution, `notifications/event.go`).

What is said there of requests (address, host, user agent) is not told: it is not the business of whoever listens.
"""

from typing import Any

import msgspec

from orlop.domain.audit import timestamp
from orlop.domain.events import EventKind
from orlop.domain.webhooks.facts import Content, Facts, Source

MEDIA_TYPE = "application/vnd.docker.distribution.events.v2+json"

#: What it calls the kinds of events that it knows.
ACTIONS = {
    EventKind.MANIFEST_PUSHED: "push",
    EventKind.TAG_SET: "push",
    EventKind.BLOB_PUSHED: "push",
    EventKind.BLOB_MOUNTED: "mount",
    EventKind.MANIFEST_PULLED: "pull",
    EventKind.BLOB_PULLED: "pull",
    EventKind.MANIFEST_DELETED: "delete",
    EventKind.BLOB_UNLINKED: "delete",
    EventKind.TAG_DELETED: "delete",
    EventKind.REPOSITORY_DELETED: "delete",
}

_BLOBS = frozenset({EventKind.BLOB_PUSHED, EventKind.BLOB_MOUNTED, EventKind.BLOB_PULLED, EventKind.BLOB_UNLINKED})
#: What it calls bytes whose type nobody said.
_BYTES = "application/octet-stream"


def envelope(message: str, facts: Facts, source: Source) -> Content:
    """An envelope with one event; with none for a test, which tells of nothing."""
    events = [_event(message, facts, source)] if facts.kind in ACTIONS else []
    return Content(MEDIA_TYPE, msgspec.json.encode({"events": events}))


def _event(message: str, facts: Facts, source: Source) -> dict[str, Any]:
    kind = EventKind(facts.kind)
    target: dict[str, Any] = {"repository": facts.repository}
    if facts.digest and kind is not EventKind.TAG_DELETED:
        part = "blobs" if kind in _BLOBS else "manifests"
        target["digest"] = facts.digest
        target["mediaType"] = facts.media_type or (_BYTES if kind in _BLOBS else "")
        target["size"] = target["length"] = facts.size
        target["url"] = f"{source.url}/v2/{facts.repository}/{part}/{facts.digest}"
    if facts.tag:
        target["tag"] = facts.tag
    return {
        "id": message,
        "timestamp": timestamp(facts.at),
        "action": ACTIONS[kind],
        "target": {name: value for name, value in target.items() if value != ""},
        "request": {"id": facts.request} if facts.request else {},
        "actor": {"name": facts.actor} if facts.actor else {},
        "source": {"addr": source.host},
    }
