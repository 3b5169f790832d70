"""What the client of the scanner protocol does with what adapters answer, beside the strict adapter itself."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.adapters.scanning.client import HttpScannerClient
from orlop.domain.scanning.protocol import refresh_after
from orlop.ports.scans import Address, NotYet, Report, ScannerAway, ScanOrder, ScanRefused
from tests.scanning.adapter import HARBOR_REPORT, IMAGES, REPORT, Adapter

CLIENT = HttpScannerClient(("127.0.0.0/8",), seconds=20.0)


@pytest.fixture(scope="module")
def listening() -> Iterator[Adapter]:
    with Adapter().listening() as adapter:
        yield adapter


@pytest.fixture
def adapter(listening: Adapter) -> Iterator[Adapter]:
    listening.well()
    yield listening
    assert listening.wrong == []


def reported(adapter: Adapter) -> Report | NotYet:
    return asyncio.run(CLIENT.report(Address(adapter.url), "scan/1 of ä", REPORT))


@pytest.mark.parametrize(
    ("status", "body", "type_", "said"),
    [
        (200, b"\x00\xff no report", REPORT, "its report cannot be read: it is no report"),
        (200, b"[" * 100_000, REPORT, "its report cannot be read: it is no report"),
        (200, b'{"vulnerabilities": {"a": 1}}', REPORT, "its report cannot be read: it is no report"),
        (200, b"{}", "text/html", "its report is text/html, and it was asked for"),
        (200, b"{}", HARBOR_REPORT, f"its report is {HARBOR_REPORT}, and it was asked for"),
        (200, b"{}", REPORT, "its report cannot be read: it says nothing of vulnerabilities"),
        (500, b'{"error": {"message": "layer 3\\nis odd"}}', REPORT, "it answered 500: layer 3 is odd"),
        (500, b"<html>", REPORT, "it answered 500"),
        (404, b"", REPORT, "it does not know the scan any more"),
        (307, b"", REPORT, "it answered 307"),
    ],
)
def test_what_is_no_report_is_refused(adapter: Adapter, status: int, body: bytes, type_: str, said: str) -> None:
    before = len(adapter.asked)
    adapter.failing("/report", status, body, Content_Type=type_, Location=f"{adapter.url}/elsewhere")
    with pytest.raises(ScanRefused) as refused:
        reported(adapter)
    assert str(refused.value).startswith(said)
    assert len(adapter.asked) == before + 1, "no redirect is followed"


@pytest.mark.parametrize(("part", "most"), [("/report", "32768 KiB"), ("/metadata", "256 KiB")])
def test_an_answer_without_an_end_is_cut_off(adapter: Adapter, part: str, most: str) -> None:
    adapter.failing(part, 200, b" ", Content_Type=REPORT)
    adapter.endless = True
    with pytest.raises(ScanRefused, match=f"its answer has more than {most}"):
        reported(adapter) if part == "/report" else asyncio.run(CLIENT.metadata(Address(adapter.url)))


def test_a_302_says_wait_and_for_how_long(adapter: Adapter) -> None:
    adapter.failing("/report", 302, Refresh_After="7", Location=f"{adapter.url}/elsewhere")
    assert reported(adapter) == NotYet(7)
    assert [refresh_after(text) for text in ("", "soon", "-3", "0", "99999", "9" * 40, "²")] == [5, 5, 5, 1, 60, 5, 5]


def test_one_that_hangs_is_away(adapter: Adapter) -> None:
    adapter.hangs.clear()
    try:
        with pytest.raises(ScannerAway, match=r"it did not answer in 0\.2 seconds"):
            asyncio.run(HttpScannerClient(("127.0.0.0/8",), seconds=0.2).metadata(Address(adapter.url)))
    finally:
        adapter.hangs.set()


def test_addresses_are_checked(adapter: Adapter) -> None:
    before = len(adapter.asked)
    with pytest.raises(ScannerAway, match="it cannot be reached"):
        asyncio.run(HttpScannerClient(()).metadata(Address(adapter.url)))
    assert len(adapter.asked) == before


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, b'{"error": {"message": "no"}}', ScanRefused),
        (422, b"", ScanRefused),
        (501, b"", ScanRefused),
        (401, b"", ScannerAway),
        (503, b"", ScannerAway),
        (202, b"{}", ScannerAway),
        (202, b'{"id": ""}', ScannerAway),
        (202, b'{"id": 7}', ScannerAway),
        (307, b"", ScannerAway),
    ],
)
def test_a_scan_that_is_not_taken(adapter: Adapter, status: int, body: bytes, failure: type[Exception]) -> None:
    adapter.failing("/scan", status, body, Location=f"{adapter.url}/elsewhere")
    order = ScanOrder(
        registry="http://127.0.0.1:1",
        authorization="Bearer x",
        repository="team/app",
        digest=f"sha256:{'0' * 64}",
        media_type=IMAGES[0],
        report_type=REPORT,
    )
    with pytest.raises(failure):
        asyncio.run(CLIENT.scan(Address(adapter.url), order))


def test_what_it_can_do_is_negotiated(adapter: Adapter) -> None:
    metadata = asyncio.run(CLIENT.metadata(Address(adapter.url)))
    assert metadata.scanner.words == "Strict 1.0"
    assert metadata.report_for(IMAGES[0].upper()) == REPORT
    assert metadata.report_for("application/vnd.oci.image.index.v1+json") == ""
    adapter.failing(
        "/metadata",
        200,
        b'{"scanner": {}, "capabilities": [{"consumes_mime_types": ["a/b"], '
        b'"produces_mime_types": ["%s"]}]}' % HARBOR_REPORT.replace(" ", "").encode(),
    )
    older = asyncio.run(CLIENT.metadata(Address(adapter.url)))
    assert (older.report_for("a/b"), older.report_for("a/c")) == (HARBOR_REPORT, "")
    adapter.failing("/metadata", 200, b'{"scanner": "x"}')
    with pytest.raises(ScannerAway, match="what it says of itself cannot be read"):
        asyncio.run(CLIENT.metadata(Address(adapter.url)))
