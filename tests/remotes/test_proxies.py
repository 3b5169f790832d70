"""Upstreams through proxies, and by certificates of one's own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orlop.domain.identity.secret_references import SecretPlaces
from orlop.ports.upstream import UpstreamError
from tests import content
from tests.clientside.loopback import Loopback, serving
from tests.clientside.memoryregistry import MemoryRegistry
from tests.receivers import Authority
from tests.remotes.proxies import HttpProxy, SocksProxy, Tunnels
from tests.remotes.scene import Hands, pooling

IMAGE = content.image("app", layers=["base"])
LAYER = IMAGE.blobs[1]

PROXIES = [(HttpProxy, "http"), (SocksProxy, "socks5"), (SocksProxy, "socks5h")]


@asynccontextmanager
async def registry(authority: Authority | None, folder: Path, name: str) -> AsyncGenerator[Loopback, None]:
    """A registry with an image, by TLS for a name if there is an authority."""
    held = MemoryRegistry()
    held.keep("team/app", IMAGE, "1")
    async with serving(held.handle, authority.context(folder, name) if authority else None) as server:
        yield server


async def pulls(hands: Hands, url: str, **fields: object) -> bool:
    """Whether a manifest and a layer come."""
    remote = await hands.at(url, **fields)
    manifest = await remote.fetch("1")
    layer = b"".join([piece async for piece in remote.read_blob(LAYER.digest, LAYER.size)])
    return (manifest.digest, layer) == (IMAGE.digest, LAYER.content)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize(("kind", "scheme"), PROXIES)
@pytest.mark.parametrize("user", ["", "me"])
async def test_everything_goes_through_the_proxy(
    kind: type[Tunnels], scheme: str, user: str, tls: bool, tmp_path: Path
) -> None:
    authority, proxy = Authority(), kind(user, "pass word:@" if user else "")
    who = "me:pass%20word%3A%40@" if user else ""
    # With socks5:// names are looked up here: one that is there.
    name = "localhost" if scheme == "socks5" else "registry.test"
    async with registry(authority if tls else None, tmp_path, name) as server, proxy.listening() as where:
        port = server.host.rpartition(":")[2]
        async with pooling() as hands:
            ca = {"ca_certificate": authority.pem} if tls else {}
            url = f"{'https' if tls else 'http'}://{name}:{port}"
            assert await pulls(hands, url, proxy=f"{scheme}://{who}{where}", **ca)
    seen = {asked.rpartition(":")[0] for asked in proxy.asked}
    assert seen <= {"127.0.0.1", "::1"} if scheme == "socks5" else seen == {name}


@pytest.mark.parametrize(("kind", "scheme"), PROXIES)
async def test_a_proxy_that_wants_another_password_is_told_as_that(kind: type[Tunnels], scheme: str) -> None:
    async with kind("me", "right").listening() as where, pooling() as hands:
        with pytest.raises(UpstreamError) as caught:
            await pulls(hands, "https://localhost:1", proxy=f"{scheme}://me:hunter22@{where}")
    assert "hunter22" not in caught.value.message
    assert caught.value.message.startswith("localhost:1")
    assert "proxy" in caught.value.message


@pytest.mark.parametrize(("kind", "scheme"), PROXIES)
@pytest.mark.parametrize("host", ["10.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254", "0x7f.1"])
async def test_addresses_are_checked_before_the_proxy_is_sent_there(
    kind: type[Tunnels], scheme: str, host: str
) -> None:
    proxy = kind()
    async with proxy.listening() as where, pooling(networks=()) as hands:
        with pytest.raises(UpstreamError, match="may not be connected to"):
            await pulls(hands, f"http://{host}:1", proxy=f"{scheme}://{where}")
    assert proxy.asked == []


async def test_what_a_name_leads_to_is_checked_where_it_is_looked_up_here() -> None:
    proxy = SocksProxy()
    async with proxy.listening() as where, pooling(networks=()) as hands:
        with pytest.raises(UpstreamError, match=r"a loopback address \(see outbound\.networks\), which may not be"):
            await pulls(hands, "http://localhost:1", proxy=f"socks5://{where}")
    assert proxy.asked == []


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
async def test_a_proxy_that_is_not_there_is_told(scheme: str) -> None:
    async with HttpProxy().listening() as where:
        pass
    async with pooling() as hands:
        said = (
            r"registry\.test.* cannot be reached: (connection refused|the proxy cannot be reached: connection refused)"
        )
        with pytest.raises(UpstreamError, match=said):
            await pulls(hands, "http://registry.test", proxy=f"{scheme}://{where}")


async def test_a_proxy_that_is_kept_in_a_file_counts_as_soon_as_it_is_changed(tmp_path: Path) -> None:
    first, second, file = HttpProxy("me", "first"), HttpProxy("me", "second"), tmp_path / "proxy"
    places = SecretPlaces((str(tmp_path),))
    async with (
        registry(None, tmp_path, "") as server,
        first.listening() as one,
        second.listening() as two,
        pooling(places=places) as hands,
    ):
        file.write_text("socks4://x")
        with pytest.raises(UpstreamError, match=r"^the upstream hub cannot be asked: proxy: write it as http://"):
            await hands.at(server.url, proxy=f"file:{file}")
        file.write_text(f"http://me:first@{one}\n")
        remote = await hands.at(server.url, proxy=f"file:{file}")
        pieces = remote.read_blob(LAYER.digest, LAYER.size)
        read = await anext(pieces)
        file.write_text(f"http://me:second@{two}\n")
        hands.later = 31.0
        assert (await remote.resolve("1")).digest == IMAGE.digest
        assert (len(first.asked), len(second.asked)) == (1, 1)
        assert read + b"".join([piece async for piece in pieces]) == LAYER.content
        assert hands.pool._left == []


async def test_authorities_and_certificates_of_a_setting_count(tmp_path: Path) -> None:
    ours, others, held = Authority(), Authority(), MemoryRegistry()
    held.keep("team/app", IMAGE, "1")
    certificate, key = ours.certificate("orlop")
    file = tmp_path / "client.key"
    file.write_text(key)
    async with serving(held.handle, ours.context(tmp_path, clients=True)) as server, pooling() as hands:
        url = f"https://localhost:{server.host.rpartition(':')[2]}"
        shown = {"client_certificate": certificate, "client_key": key}
        assert await pulls(hands, url, ca_certificate=ours.pem, **shown)
        with pytest.raises(UpstreamError, match="TLS failed: its certificate"):
            await pulls(hands, url, ca_certificate=others.pem, **shown)
        with pytest.raises(UpstreamError, match="no authority that is trusted here"):
            await pulls(hands, url, **shown)
        with pytest.raises(UpstreamError, match=r"the upstream cannot be used: .*MISMATCH"):
            await pulls(hands, url, client_certificate=certificate, client_key=ours.certificate("orlop")[1])
        with pytest.raises(UpstreamError):
            await pulls(hands, url, ca_certificate=ours.pem)
        with pytest.raises(UpstreamError, match="its certificate is for another name"):
            await pulls(hands, url.replace("localhost", "127.0.0.1"), ca_certificate=ours.pem, **shown)
