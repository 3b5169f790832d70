"""How an upstream or a scanner fares, in lines for people."""

from collections.abc import Mapping
from typing import Any

from orlop.domain.sizes import size_words
from orlop.faces.cli import shown
from orlop.faces.cli.running import counted


def print_status(status: Mapping[str, Any]) -> None:
    """What the API says of it."""
    if "capabilities" in status:
        print_scanner(status)
        return
    lines = {
        "state": _state(status),
        "last answer": status["answered_at"],
        "last error": f"{status['error']} ({status['failed_at']})" if status["error"] else "",
    }
    for budget in status["budgets"]:
        lines[f"budget of {budget['account'] or 'nobody'}"] = _budget(budget)
    lines["cached"] = f"{size_words(status['cached_bytes'])} in {counted(status['repositories'], 'repository')}"
    lines["hit rate"] = _rate(status)
    lines["received"] = size_words(status["received_bytes"])
    shown.fields(lines, json=False)


def _state(status: Mapping[str, Any]) -> str:
    if status["state"] == "away":
        return f"away since {status['away_since']}, asked again at {status['retry_at']}"
    if status["state"] == "offline":
        return "offline by its setting: only what is cached is served"
    return "up" if status["answered_at"] else "not asked yet"


def _budget(budget: Mapping[str, Any]) -> str:
    said = "no limit known"
    if budget["limit"] is not None:
        until = f", all of them again at {budget['full_at']}" if budget["full_at"] else ""
        said = f"{budget['remaining']} of {budget['limit']} requests left{until}"
    blocked = budget["blocked_until"]
    return f"{said}; answered 429, not used before {blocked}" if blocked else said


def _rate(status: Mapping[str, Any]) -> str:
    if status["hit_rate"] is None:
        return "nothing pulled yet"
    return f"{status['hit_rate']:.1%} of {status['hits'] + status['misses']} pulls"


def print_scanner(status: Mapping[str, Any]) -> None:
    """What the API says of a scanner."""
    state = {"healthy": "answers", "unknown": "not asked yet; orlop scanner check asks it"}.get(status["state"])
    lines = {
        "state": state or f"does not answer since {status['failing_since']}",
        "last answer": status["answered_at"],
        "last error": status["error"],
        "scanner": " ".join(part for part in (status["scanner"], status["version"]) if part),
        "vendor": status["vendor"],
    }
    for each in status["capabilities"]:
        lines[f"reads for {each['type']}"] = ", ".join(each["consumes"])
        lines[f"writes for {each['type']}"] = ", ".join(each["produces"])
    shown.fields(lines, json=False)
