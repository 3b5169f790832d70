"""Searching the audit log: filters, time, pages; and who may."""

import pytest

from orlop.domain.errors import PageInvalid, RequestInvalid
from orlop.domain.events import Event, EventKind, Origin
from orlop.services.audit import query as module
from orlop.services.audit.query import AuditQuery, Search
from tests.registry import START
from tests.unit.audit.office import DAY, Office


async def filled(days: int = 3) -> Office:
    """A log of some days: each alice sets tags in two places, and bob is refused."""
    office = Office()
    for _ in range(days):
        at = office.clock.now()
        tag = {"kind": EventKind.TAG_SET, "actor": "alice", "origin": Origin("", "192.0.2.1", "")}
        await office.audit.writer.write(
            [
                Event(at=at, repository="team/app", **tag),
                Event(at=at + 1, repository="team/sub/web", **tag),
                Event(at=at + 2, kind=EventKind.REFUSED, actor="bob", repository="team/app", subject="delete"),
            ]
        )
        await office.writer.step(await office.lease())
        office.clock.at += DAY
    return office


async def found(office: Office, *, size: int = 100, **search: object) -> list[int]:
    """Which entries a search finds, over all pages."""
    query, sequences, before = AuditQuery(office.audit.reader), [], 0
    while True:
        page = await query.page(Search(**search), before=before, size=size)
        sequences += [each.entry.sequence for each in page.entries]
        before = page.next
        if not before:
            return sequences


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_every_filter_alone_and_together(size: int) -> None:
    office = await filled()
    expected: list[tuple[dict[str, object], list[int]]] = [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"actor": "bob"}, [9, 6, 3]),
        ({"kind": "tag.set"}, [8, 7, 5, 4, 2, 1]),
        ({"place": "team/app"}, [9, 7, 6, 4, 3, 1]),
        ({"place": "team/sub"}, [8, 5, 2]),
        ({"address": "192.0.2.1", "place": "team/app"}, [7, 4, 1]),
        ({"subject": "delete"}, [9, 6, 3]),
        ({"refused": True}, [9, 6, 3]),
        ({"refused": False, "place": "team/app"}, [7, 4, 1]),
        ({"since": START + DAY}, [9, 8, 7, 6, 5, 4]),
        ({"until": START + DAY}, [3, 2, 1]),
        ({"since": START + DAY, "until": START + 2 * DAY, "actor": "alice"}, [5, 4]),
        ({"since": START + 1, "until": START + 2}, [2]),
        ({"since": START + 99 * DAY}, []),
        ({"actor": "nobody"}, []),
    ]
    for search, sequences in expected:
        assert await found(office, size=size, **search) == sequences, search


async def test_a_page_looks_at_so_many_entries_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOKED_AT", 4)
    monkeypatch.setattr(module, "_TOGETHER", 2)
    office = await filled()
    page = await AuditQuery(office.audit.reader).page(Search(actor="alice", kind="access.refused"))
    assert page.entries == ()
    assert page.next > 0
    assert await found(office, actor="alice", kind="tag.set") == [8, 7, 5, 4, 2, 1]


async def test_what_is_asked_wrongly_is_refused() -> None:
    query = AuditQuery((await filled(1)).audit.reader)
    for size in (0, -1, 1_001):
        with pytest.raises(PageInvalid):
            await query.page(Search(), size=size)
    with pytest.raises(RequestInvalid):
        await query.page(Search(since=5, until=5))


async def test_everything_is_exported_oldest_first() -> None:
    office = await filled()
    query = AuditQuery(office.audit.reader)
    assert [each.entry.sequence async for each in query.everything(Search(actor="bob"))] == [3, 6, 9]
    within = Search(since=START + DAY, until=START + 2 * DAY)
    assert [each.entry.sequence async for each in query.everything(within)] == [4, 5, 6]


async def test_a_page_has_a_bound_in_bytes_and_one_entry_at_least() -> None:
    office = Office()
    details = ["x" * (size << 10) for size in (900, 800, 3000, 1, 1500)]
    for detail in details:
        await office.audit.writer.write([Event(at=START, kind=EventKind.GROUP_CHANGED, actor="alice", detail=detail)])
        await office.writer.step(await office.lease())
    query, pages, before = AuditQuery(office.audit.reader), [], 0
    while not pages or before:
        page = await query.page(Search(actor="alice"), before=before)
        pages.append([each.entry.sequence for each in page.entries])
        before = page.next
    assert pages == [[5, 4], [3], [2, 1]]
