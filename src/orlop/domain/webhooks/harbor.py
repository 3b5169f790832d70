"""The payload of Harbor's webhooks (goharbor/harbor, `src/pkg/notifier/model/event.go`)."""

from typing import Any

import msgspec

from orlop.domain.durations import SECOND
from orlop.domain.events import EventKind
from orlop.domain.webhooks.facts import TEST, Content, Facts, Source

#: What it calls the kinds of events that it knows.
TYPES = {
    EventKind.MANIFEST_PUSHED: "PUSH_ARTIFACT",
    EventKind.TAG_SET: "PUSH_ARTIFACT",
    EventKind.MANIFEST_PULLED: "PULL_ARTIFACT",
    EventKind.MANIFEST_DELETED: "DELETE_ARTIFACT",
    EventKind.TAG_DELETED: "DELETE_ARTIFACT",
}


def payload(facts: Facts, source: Source) -> Content:
    """An event as Harbor writes it; a test says that it is one, of nothing."""
    said: dict[str, Any] = {
        "type": "TEST" if facts.kind == TEST else TYPES[EventKind(facts.kind)],
        "occur_at": facts.at // SECOND,
        "operator": facts.actor,
    }
    if facts.kind != TEST:
        said["event_data"] = {"resources": [_resource(facts, source)], "repository": _repository(facts)}
    return Content("application/json", msgspec.json.encode(said))


def _resource(facts: Facts, source: Source) -> dict[str, str]:
    reference = f":{facts.tag}" if facts.tag else f"@{facts.digest}"
    resource = {
        "digest": facts.digest,
        "tag": facts.tag,
        "resource_url": f"{source.host}/{facts.repository}{reference}",
    }
    return {name: value for name, value in resource.items() if value}


def _repository(facts: Facts) -> dict[str, str]:
    """Harbor's project is the first component of a name; a repository has the rest of it."""
    project, slash, name = facts.repository.partition("/")
    return {
        "name": name if slash else project,
        "namespace": project if slash else "",
        "repo_full_name": facts.repository,
        "repo_type": "public" if facts.public else "private",
    }
