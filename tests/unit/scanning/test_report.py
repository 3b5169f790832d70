"""What is read out of reports, and what scanners may be set to."""

import json

import msgspec
import pytest

from orlop.domain.access import Action
from orlop.domain.errors import RequestInvalid
from orlop.domain.scanning.report import FINDINGS, TEXT, read_report
from orlop.domain.scanning.scanner import SCANNERS, Scanner


def test_findings_are_bounded_sorted_and_each_is_there_once() -> None:
    many = [{"id": f"CVE-{n}", "package": "p", "severity": "Low"} for n in range(FINDINGS + 5)]
    worst = {
        "id": "CVE-X",
        "package": "p\0q",
        "severity": "critical",
        "description": "x" * 10_000,
        "links": ["ftp://x"],
    }
    odd = {"id": "CVE-Y", "severity": "Awful", "package": None, "fix_version": None, "links": None}
    found = read_report(json.dumps({"vulnerabilities": [*many, worst, worst, odd, {"id": ""}]}).encode())
    first = found.findings[0]
    assert (first.id, first.package, len(first.summary), first.links) == ("CVE-X", "p q", TEXT, ())
    assert (len(found.findings), found.left_out) == (FINDINGS, 7)
    assert found.counts == {"critical": 1, "low": FINDINGS + 5, "unknown": 1}


def test_none_is_clean_and_nothing_is_no_report() -> None:
    assert read_report(b'{"vulnerabilities": null}').findings == ()
    for body in (b"", b"[]", b"{}", b'{"vulnerabilities": 3}', b"\xff"):
        with pytest.raises(ValueError, match="it "):
            read_report(body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://scanner"},
        {"url": "https://ada:secret@scanner"},
        {"url": "https://scanner", "user": "ada"},
        {"url": "https://scanner", "token": "a", "api_key": "b"},
        {"url": "http://scanner", "token": "a"},
        {"url": "http://127.0.0.1", "ca_certificate": "x"},
        {"url": "https://scanner", "timeout": "1s"},
        {"url": "https://scanner", "every": "1m"},
        {"url": "https://scanner", "platforms": ["amd64"]},
        {"url": "https://scanner", "registry": "registry"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestInvalid):
        SCANNERS.parse("s", wrong)


def test_a_scanner_at_another_address_learns_what_is_pulled() -> None:
    one, two = Scanner(url="https://one"), Scanner(url="https://two")
    assert SCANNERS.tells("team", None, one) == SCANNERS.tells("team", one, two) == {Action.LIST, Action.PULL}
    assert not SCANNERS.tells("team", one, msgspec.structs.replace(one, timeout="1h"))
    assert not SCANNERS.tells("team", None, msgspec.structs.replace(one, disabled=True))
    assert SCANNERS.tells("team", msgspec.structs.replace(one, disabled=True), one)


def test_platforms() -> None:
    one = Scanner(url="https://one", platforms=("linux/arm64",))
    assert [one.wants(each) for each in ("linux/arm64/v8", "linux/amd64", "", "odd")] == [True, False, True, True]
