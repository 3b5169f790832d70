"""What gates say of images."""

from typing import Any

import pytest

from orlop.domain.durations import DAY
from orlop.domain.gates.conditions import ImageFacts
from orlop.domain.gates.gate import Gate, GateMode
from orlop.domain.gates.judging import FoundThing, JudgedFacts, LicenceThing, Standing, changes_at, objection

NOW = 1_000 * DAY


def finding(severity: str = "critical", **changes: Any) -> FoundThing:
    told = {"id": "CVE-2026-1", "package": "openssl", "installed": "3.0.11", "fixed": ("3.0.15",), "exploited": False}
    return FoundThing(severity=severity, **(told | changes))


def says(gate: Gate, facts: JudgedFacts) -> str:
    """Why the image is held back; empty: it is not."""
    found = objection(gate, "house", "prod", facts, NOW)
    return found.why if found is not None else ""


@pytest.mark.parametrize(
    ("gate", "found", "why"),
    [
        (Gate(deny_severity="critical"), finding(), "CVE-2026-1 in openssl 3.0.11 is critical and fixed in 3.0.15"),
        (Gate(deny_severity="critical"), finding("high"), ""),
        (Gate(deny_severity="medium"), finding("high"), "CVE-2026-1 in openssl 3.0.11 is high and fixed in 3.0.15"),
        (Gate(deny_severity="low"), finding("unknown"), ""),
        (Gate(deny_severity="low", fixable=True), finding(fixed=()), ""),
        (Gate(deny_severity="low"), finding(fixed=()), "CVE-2026-1 in openssl 3.0.11 is critical"),
        (Gate(exploited=True), finding("unknown"), ""),
        (
            Gate(exploited=True),
            finding("unknown", exploited=True, fixed=()),
            "CVE-2026-1 in openssl 3.0.11 is known to be exploited",
        ),
        (Gate(deny_severity="low", older_than="14d"), finding(changed_at=NOW - 13 * DAY), ""),
        (
            Gate(deny_severity="low", older_than="14d"),
            finding(changed_at=NOW - 14 * DAY),
            "CVE-2026-1 in openssl 3.0.11 is critical and fixed in 3.0.15",
        ),
    ],
)
def test_findings_that_a_gate_denies_hold_back(gate: Gate, found: FoundThing, why: str) -> None:
    assert says(gate, JudgedFacts(found=(found,))) == why
    assert says(gate, JudgedFacts()) == ""


def test_the_worst_is_told_with_how_many_more_there_are_and_what_mends_it() -> None:
    gate = Gate(deny_severity="high", mode=GateMode.ENFORCE)
    found = objection(gate, "house", "prod", JudgedFacts(found=(finding(), finding("high"), finding("low"))), NOW)
    assert found is not None
    assert found.sentence("app:1.4") == (
        "gate house on prod refuses app:1.4: CVE-2026-1 in openssl 3.0.11 is critical and fixed in 3.0.15"
        " (and 1 more); build it anew with openssl 3.0.15, or ask for an exception"
    )


@pytest.mark.parametrize("gate", [Gate(deny_severity="critical"), Gate(deny_licences=True)])
def test_what_is_not_known_is_not_let_through(gate: Gate) -> None:
    waiting = objection(gate, "house", "prod", JudgedFacts(standing=Standing.WAITING), NOW)
    assert waiting is not None
    assert waiting.waiting
    unread = JudgedFacts(standing=Standing.UNREAD, why="it is a bomb")
    assert says(gate, unread) == "it cannot be read: it is a bomb"
    lenient = Gate(deny_severity="critical", unread=True)
    assert says(lenient, unread) == ""
    assert says(Gate(no_root=True), JudgedFacts(standing=Standing.WAITING, said=ImageFacts(user="app"))) == ""


def test_licences_and_sboms() -> None:
    wrong = LicenceThing("readline", "8.2", "is GPL-3.0-only, which is refused")
    assert says(Gate(deny_licences=True), JudgedFacts(licences=(wrong, wrong))) == (
        "the licence of readline 8.2 is GPL-3.0-only, which is refused (and 1 more)"
    )
    assert says(Gate(require_sbom=True), JudgedFacts()) == "it has no SBOM"
    assert says(Gate(require_sbom=True), JudgedFacts(has_sbom=True)) == ""


@pytest.mark.parametrize(
    ("gate", "wrong", "right"),
    [
        *(
            (Gate(no_root=True), ImageFacts(user=user), ImageFacts(user="app"))
            for user in ("", "0", "00:7", "root:root")
        ),
        (Gate(labels=("owner",)), ImageFacts(), ImageFacts(labels={"owner": "us"})),
        (Gate(labels=("tier=prod*",)), ImageFacts(labels={"tier": "test"}), ImageFacts(labels={"tier": "prod-1"})),
        (Gate(platforms=("linux/*",)), ImageFacts(platform="windows/amd64"), ImageFacts(platform="linux/amd64")),
        (Gate(platforms=("linux/*",)), ImageFacts(), ImageFacts(platform="linux/arm64")),
        (Gate(bases=("r.example/base/*",)), ImageFacts(), ImageFacts(base="r.example/base/debian")),
        (Gate(registries=("docker.io",)), ImageFacts(), ImageFacts(registry="docker.io")),
        (Gate(largest="1MiB"), ImageFacts(size=1024 * 1024 + 1), ImageFacts(size=1024 * 1024)),
        (Gate(created_within="90d"), ImageFacts(), ImageFacts(created_at=NOW - 90 * DAY)),
        (Gate(created_within="90d"), ImageFacts(created_at=NOW - 90 * DAY - 1), ImageFacts(created_at=NOW)),
    ],
)
def test_what_an_image_says_of_itself(gate: Gate, wrong: ImageFacts, right: ImageFacts) -> None:
    assert says(gate, JudgedFacts(said=wrong))
    assert says(gate, JudgedFacts(said=right)) == ""


def test_time_alone_may_change_what_is_said() -> None:
    aging = JudgedFacts(found=(finding(changed_at=NOW - 13 * DAY),))
    assert changes_at(Gate(deny_severity="low", older_than="14d"), aging, NOW) == NOW + DAY
    built = JudgedFacts(said=ImageFacts(created_at=NOW - 89 * DAY))
    assert changes_at(Gate(created_within="90d"), built, NOW) == NOW + DAY
    assert changes_at(Gate(deny_severity="low"), aging, NOW) == 0


def test_a_gate_that_is_off_says_nothing() -> None:
    assert says(Gate(deny_severity="low", mode=GateMode.OFF), JudgedFacts(found=(finding(),))) == ""


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "would let everything pass"),
        ({"deny_severity": "dire"}, "is no severity"),
        ({"fixable": True, "no_root": True}, "narrow findings"),
        ({"labels": ("=x",)}, "is no label"),
        ({"created_within": "soon"}, "soon"),
    ],
)
def test_gates_that_make_no_sense_are_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Gate(**fields)
