"""Files of advisories from a server of the web and from a folder: what is asked, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orlop.adapters.advisories import listed
from orlop.adapters.advisories.fetching import FolderFetcher, WebFetcher
from orlop.domain.identity.secret_references import SecretReference
from orlop.domain.inside.sources import AdvisoryFeed
from orlop.ports.advisories import SourceFailed
from tests.unit.advisories.web import Web, web

_HERE = ("127.0.0.0/8",)


def _secret(reference: SecretReference) -> str:
    return reference.literal


async def _fetched(
    fetcher: WebFetcher | FolderFetcher,
    feed: AdvisoryFeed,
    state: str = "",
    told: Callable[[int], None] = lambda _: None,
) -> tuple[bytes | None, str]:
    async with fetcher.fetch(feed, "osv", state, told) as found:
        return (found.files[0].read() if found.files else None), found.state


def _feed(server: Web, path: str = "/all.zip", **more: Any) -> AdvisoryFeed:
    return AdvisoryFeed(url=f"http://127.0.0.1:{server.port}{path}", **more)


async def test_what_did_not_change_is_not_fetched_again() -> None:
    async with web({"/all.zip": b"records"}) as server:
        came: list[int] = []
        fetcher = WebFetcher(_HERE, _secret)
        body, state = await _fetched(fetcher, _feed(server), told=came.append)
        assert (body, came) == (b"records", [7])
        assert await _fetched(fetcher, _feed(server), state) == (None, state)
        server.files["/all.zip"] = b"others"
        body, again = await _fetched(fetcher, _feed(server), state)
        assert body == b"others"
        assert again != state


async def test_an_address_of_ones_own_is_refused_unless_it_is_allowed() -> None:
    async with web({"/all.zip": b"records"}) as server:
        with pytest.raises(SourceFailed, match=r"127\.0\.0\.1 is a loopback address"):
            await _fetched(WebFetcher((), _secret), _feed(server))
        assert server.asked == []


async def test_a_redirect_is_checked_and_takes_no_credentials_along() -> None:
    async with web({"/there": b"records"}) as other, web({}) as server:
        server.redirects["/all.zip"] = f"http://127.0.0.1:{other.port}/there"
        feed = _feed(server, user="ada", password="secret")
        assert (await _fetched(WebFetcher(_HERE, _secret), feed))[0] == b"records"
        assert [headers.get("Authorization", "")[:5] for _, headers in server.asked] == ["Basic"]
        assert [headers.get("Authorization") for _, headers in other.asked] == [None]
        for elsewhere in ("http://169.254.169.254/latest", "file:///etc/passwd", "http://10.0.0.1/"):
            server.redirects["/all.zip"] = elsewhere
            with pytest.raises(SourceFailed, match="cannot be fetched"):
                await _fetched(WebFetcher(_HERE, _secret), feed)
        server.redirects["/all.zip"] = "/all.zip"
        with pytest.raises(SourceFailed, match="redirects more than 5 times"):
            await _fetched(WebFetcher(_HERE, _secret), feed)


async def test_more_than_the_bound_is_not_taken() -> None:
    async with web({"/all.zip": b"x" * 2_000_000}) as server:
        with pytest.raises(SourceFailed, match="more than 1 MiB"):
            await _fetched(WebFetcher(_HERE, _secret, size=1024 * 1024), _feed(server))


async def test_what_is_not_there_is_said() -> None:
    async with web({}) as server:
        with pytest.raises(SourceFailed, match="answered 404"):
            await _fetched(WebFetcher(_HERE, _secret), _feed(server))


async def test_a_folder_is_read_below_what_is_allowed_alone(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret.json"
    (allowed / "osv").mkdir(parents=True)
    secret.write_text("{}")
    (allowed / "osv" / "one.json").write_text('{"id":\n "ONE"}')
    (allowed / "osv" / "two.json").write_text('{"id": "TWO"}')
    (allowed / "link.json").symlink_to(secret)
    fetcher = FolderFetcher(allowed)
    body, state = await _fetched(fetcher, AdvisoryFeed(url=f"file:{allowed}/osv"))
    assert body == b'{"id":  "ONE"}\n{"id": "TWO"}\n'
    assert await _fetched(fetcher, AdvisoryFeed(url=f"file:{allowed}/osv"), state) == (None, state)
    body, state = await _fetched(fetcher, AdvisoryFeed(url=f"file:{allowed}/osv/one.json"))
    assert body == b'{"id":\n "ONE"}'
    assert await _fetched(fetcher, AdvisoryFeed(url=f"file:{allowed}/osv/one.json"), state) == (None, state)
    for path in (secret, allowed / "link.json", Path("/etc/passwd")):
        with pytest.raises(SourceFailed, match="below"):
            await _fetched(fetcher, AdvisoryFeed(url=f"file:{path}"))
    (allowed / "osv" / "three.json").symlink_to(secret)
    with pytest.raises(SourceFailed, match="is no file below"):
        await _fetched(fetcher, AdvisoryFeed(url=f"file:{allowed}/osv"))
    with pytest.raises(SourceFailed, match="no folder is allowed"):
        await _fetched(FolderFetcher(None), AdvisoryFeed(url=f"file:{allowed}/osv"))


def _listed(*rows: tuple[str, str]) -> bytes:
    """The newest first, as OSV writes it."""
    return "".join(f"{at},{name}\n" for at, name in rows).encode()


_OLD, _NEW, _NEWEST = "2026-11-01T00:00:00Z", "2026-11-20T00:00:00.5Z", "2026-11-21T00:00:00.123456789Z"


async def test_of_a_list_what_changed_is_fetched_alone() -> None:
    list_ = "/Debian/modified_id.csv"
    files = {list_: _listed((_NEW, "B-1"), (_OLD, "A-1")), "/Debian/all.zip": b"archive", "/Debian/B-1.json": b"{\n}"}
    async with web(files) as server:
        fetcher, feed = WebFetcher(_HERE, _secret), _feed(server, list_)
        body, state = await _fetched(fetcher, feed)
        assert body == b"archive"
        assert await _fetched(fetcher, feed, state) == (None, state)
        server.files[list_] = _listed((_NEWEST, "C:1"), (_NEW, "B-1"), (_OLD, "A-1"))
        server.files["/Debian/C:1.json"] = b'{"id":\n"C:1"}'
        server.asked.clear()
        async with fetcher.fetch(feed, "osv", state, lambda _: None) as found:
            # The archive may be of before the list, so what is a day older than its newest is fetched once more.
            assert found.files[0].read() == b'{"id": "C:1"}\n{ }\n'
            assert found.names == {"C:1", "B-1", "A-1"}
            state = found.state
        assert [path for path, _ in server.asked] == [list_, "/Debian/C:1.json", "/Debian/B-1.json"]
        server.files[list_] = _listed((_NEWEST, "C:1"), (_OLD, "A-1"))
        assert (await _fetched(fetcher, feed, state))[0] == b'{"id": "C:1"}\n'


async def test_a_list_leads_to_the_archive_where_much_changed_or_a_record_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    list_ = "/modified_id.csv"
    files = {list_: _listed((_OLD, "Debian:12/A-1")), "/all.zip": b"archive"}
    async with web(files) as server:
        fetcher, feed = WebFetcher(_HERE, _secret), _feed(server, list_)
        _, state = await _fetched(fetcher, feed)
        server.files[list_] = _listed((_NEW, "crates.io/B-1"), (_NEW, "Rocky Linux/B-2"), (_OLD, "Debian:12/A-1"))
        assert (await _fetched(fetcher, feed, state))[0] == b"archive"
        server.files |= {"/crates.io/B-1.json": b"{}", "/Rocky Linux/B-2.json": b"[]"}
        assert (await _fetched(fetcher, feed, state))[0] == b"archive"  # of a day before the list, A-1 is not there
        server.files["/Debian:12/A-1.json"] = b"()"
        assert (await _fetched(fetcher, feed, state))[0] == b"{}\n[]\n()\n"
        monkeypatch.setattr(listed, "SINGLE", 2)
        assert (await _fetched(fetcher, feed, state))[0] == b"archive"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no list",
        b"\xff\xff",
        b"2026-11-01T00:00:00Z,../../etc/passwd\n",
        b"2026-11-01T00:00:00Z,a/../b\n",
        b"2026-11-01T00:00:00Z,http://elsewhere/a\n",
        b"2026-11-01T00:00:00Z,a/b/c\n",
        b"2026-11-01T00:00:00Z,\n",
        b"yesterday,A-1\n",
        b"2026-11-01T00:00:00Z," + b"a" * 10_000 + b"\n",
    ],
)
async def test_a_list_that_is_none_is_refused(content: bytes) -> None:
    async with web({"/modified_id.csv": content, "/all.zip": b"archive"}) as server:
        with pytest.raises(SourceFailed, match="its list"):
            await _fetched(WebFetcher(_HERE, _secret), _feed(server, "/modified_id.csv"))
