"""CloudEvents 1.0 over HTTP: structured (HTTP binding, 3.2) and binary (3.1)."""

from typing import Any

import msgspec

from orlop.domain.audit import timestamp
from orlop.domain.webhooks.facts import Content, Facts, Source

#: In front of the kind of an event.
_TYPE = "orlop."
_DATA = "application/json"


def structured(message: str, facts: Facts, source: Source) -> Content:
    """Everything in the body."""
    said = {**_attributes(message, facts, source), "datacontenttype": _DATA, "data": _data(facts)}
    return Content("application/cloudevents+json", msgspec.json.encode(said))


def binary(message: str, facts: Facts, source: Source) -> Content:
    """Attributes as headers, the data as the body."""
    headers = tuple((f"ce-{name}", _header(value)) for name, value in _attributes(message, facts, source).items())
    return Content(_DATA, msgspec.json.encode(_data(facts)), headers)


def _attributes(message: str, facts: Facts, source: Source) -> dict[str, str]:
    """CloudEvents 1.0.2, "Context Attributes"; `source` and `id` together are of this event alone."""
    attributes = {
        "specversion": "1.0",
        "id": message,
        "source": source.url,
        "type": f"{_TYPE}{facts.kind}",
        "subject": _subject(facts),
        "time": timestamp(facts.at),
    }
    return {name: value for name, value in attributes.items() if value}


def _subject(facts: Facts) -> str:
    if not facts.repository:
        return facts.subject
    if facts.tag:
        return f"{facts.repository}:{facts.tag}"
    return f"{facts.repository}@{facts.digest}" if facts.digest else facts.repository


def _data(facts: Facts) -> dict[str, Any]:
    """What is known of the event, without what is said by attributes."""
    said = msgspec.to_builtins(facts)
    return {name: value for name, value in said.items() if name not in {"at", "kind"}}


def _header(text: str) -> str:
    """HTTP binding, 3.1.3.2: what is no printable ASCII, spaces, quotes and percent signs are percent-encoded."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b'"%' else f"%{byte:02X}" for byte in text.encode()
    )
