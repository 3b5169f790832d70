"""What a refused client is told about where to sign in, whoever stands in between and whatever they send."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.adapters.upstream.challenge import parse_challenges
from orlop.domain.errors import Unauthorized
from orlop.faces.http.challenge import Challenges
from orlop.faces.http.proxies import Proxies

BEHIND = Proxies(trusted=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


def asked(client: str = "192.0.2.1", scheme: str = "http") -> dict[str, Any]:
    """The ASGI scope of a request."""
    return {"type": "http", "scheme": scheme, "client": (client, 40_000), "server": ("127.0.0.1", 5000)}


def read(value: str) -> dict[str, str]:
    """The parameters of a challenge, as our own client reads them."""
    [challenge] = parse_challenges([value])
    return dict(challenge.parameters)


def test_a_client_learns_where_and_for_what_to_fetch_a_token() -> None:
    refusal = Unauthorized("sign in", scope="repository:team/app:pull,push", reason="insufficient_scope")
    value = Challenges(Proxies(), "orlop").bearer(refusal, asked(), {b"host": b"registry.example:5000"})
    assert value == (
        'Bearer realm="http://registry.example:5000/token",service="orlop"'
        ',scope="repository:team/app:pull,push",error="insufficient_scope"'
    )


def test_the_url_that_is_set_wins_over_what_a_request_says() -> None:
    challenges = Challenges(Proxies(url="https://registry.example/base/"), "orlop")
    value = challenges.bearer(Unauthorized("sign in"), asked(), {b"host": b"evil.example"})
    assert read(value) == {"realm": "https://registry.example/base/token", "service": "orlop"}


def test_a_reason_that_no_client_knows_is_left_out() -> None:
    value = Challenges(Proxies(), "orlop").bearer(Unauthorized("no", reason="tired"), asked(), {b"host": b"a"})
    assert "error" not in read(value)


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b'a",realm="https://evil.example',
        b"a b",
        b"a\r\nx-injected: 1",
        b"user@host",
        b"host/path",
        b"host:port",
        b"h" * 300,
        b"\xff",
        b"-",
    ],
)
def test_a_host_that_is_none_is_replaced_by_the_servers_own_address(host: bytes) -> None:
    value = Challenges(Proxies(), "orlop").bearer(Unauthorized("sign in"), asked(), {b"host": host})
    assert read(value)["realm"] == "http://127.0.0.1:5000/token"


@pytest.mark.parametrize(
    "host", ["registry", "registry.example:5000", "[2001:db8::1]:5000", "127.0.0.1", "a_b.example"]
)
def test_a_host_that_is_one_is_kept(host: str) -> None:
    assert Proxies().base(asked(scheme="https"), {b"host": host.encode()}) == f"https://{host}"


def test_what_a_stranger_says_of_itself_is_not_believed() -> None:
    headers = {
        b"host": b"registry.example",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": b"evil.example",
        b"x-forwarded-for": b"198.51.100.7",
    }
    for proxies in (Proxies(), BEHIND):
        assert proxies.base(asked(), headers) == "http://registry.example"
        assert proxies.client(asked(), headers) == "192.0.2.1"


def test_a_trusted_proxy_is_believed() -> None:
    headers = {
        b"host": b"inner:5000",
        b"x-forwarded-proto": b"HTTPS",
        b"x-forwarded-host": b"made.up.example, registry.example",
        b"x-forwarded-for": b"198.51.100.7, 192.0.2.9, fd00::2",
    }
    assert BEHIND.base(asked("::ffff:10.0.0.1"), headers) == "https://registry.example"
    assert BEHIND.client(asked("10.0.0.1"), headers) == "192.0.2.9"


@pytest.mark.parametrize("forwarded", [b"", b"garbage", b"198.51.100.7, garbage", b"unknown"])
def test_of_a_list_that_cannot_be_read_the_nearest_address_is_taken(forwarded: bytes) -> None:
    assert BEHIND.client(asked("10.0.0.1"), {b"x-forwarded-for": forwarded}) == "10.0.0.1"


def test_a_server_without_peers_says_so() -> None:
    scope = {"type": "http", "scheme": "http", "client": None, "server": ("/run/orlop.sock", None)}
    assert BEHIND.client(scope, {}) == ""
    assert BEHIND.base(scope, {}) == "http://localhost"


@given(st.text(), st.binary(), st.text())
def test_nothing_that_is_sent_gets_into_the_header_but_as_a_value(scope: str, host: bytes, service: str) -> None:
    value = Challenges(Proxies(), service).bearer(Unauthorized("no", scope=scope), asked(), {b"host": host})
    assert value.isascii()
    assert value.isprintable()
    assert set(read(value)) <= {"realm", "service", "scope"}


def test_basic() -> None:
    assert Challenges(Proxies(), "orlop").basic() == 'Basic realm="orlop",charset="UTF-8"'
