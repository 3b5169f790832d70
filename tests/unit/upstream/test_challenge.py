"""WWW-Authenticate as registries write it, and which token servers are told secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from orlop.adapters.upstream.challenge import Challenge, may_see_credentials, parse_challenges, realm_url
from orlop.adapters.upstream.transport import Site, site
from orlop.ports.upstream import UpstreamError


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], []),
        ([""], []),
        (["Basic"], [Challenge("basic")]),
        (['Basic realm="x"'], [Challenge("basic", {"realm": "x"})]),
        (
            ['Bearer realm="https://a/token",service="s",scope="repository:x:pull,push"'],
            [Challenge("bearer", {"realm": "https://a/token", "service": "s", "scope": "repository:x:pull,push"})],
        ),
        (["bearer REALM=x , Service=y"], [Challenge("bearer", {"realm": "x", "service": "y"})]),
        (
            ['Basic realm="a, b", Bearer realm="c\\"d"'],
            [Challenge("basic", {"realm": "a, b"}), Challenge("bearer", {"realm": 'c"d'})],
        ),
        (['Negotiate, Basic realm="x"'], [Challenge("negotiate"), Challenge("basic", {"realm": "x"})]),
        (
            ['Basic realm="x"', "Bearer realm=y"],
            [Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "y"})],
        ),
        (['Bearer realm="first",realm="second"'], [Challenge("bearer", {"realm": "first"})]),
        (['Bearer realm="open'], [Challenge("bearer")]),
        (["="], []),
    ],
)
def test_challenges_are_read(headers: list[str], expected: list[Challenge]) -> None:
    assert parse_challenges(headers) == expected


@given(st.lists(st.text(alphabet='Bearsic =",\\x', max_size=60), max_size=3))
def test_any_header_is_read_without_error(headers: list[str]) -> None:
    assert all(challenge.scheme for challenge in parse_challenges(headers))


@pytest.mark.parametrize(
    ("registry", "realm", "trusted"),
    [
        ("https://ghcr.io", "https://ghcr.io/token", True),
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("https://registry.example.org", "https://gitlab.example.org/jwt/auth", True),
        ("https://registry.example.co.uk", "https://auth.example.co.uk/token", True),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", True),
        ("http://127.0.0.1:5000", "http://127.0.0.2:5001/token", False),
        ("http://10.1.2.3", "http://9.1.2.3/token", False),
        ("https://ghcr.io", "https://evil.io/token", False),
        ("https://registry.gitlab.com", "https://evilgitlab.com/", False),
        ("https://example.co.uk", "https://evil.co.uk/", False),
        ("https://registry.example.org", "https://example.org.evil.net/", False),
        ("https://registry", "https://other/", False),
        ("https://[::1]:5000", "https://[::2]:5000/", False),
    ],
)
def test_only_token_servers_beside_the_registry_see_credentials(registry: str, realm: str, trusted: bool) -> None:
    assert may_see_credentials(URL(realm), site(URL(registry)), frozenset()) is trusted
    assert may_see_credentials(URL(realm), site(URL(registry)), frozenset({URL(realm).host or ""}))


def test_a_registry_on_https_may_not_send_secrets_over_http() -> None:
    challenge = Challenge("bearer", {"realm": "http://ghcr.io/token"})
    with pytest.raises(UpstreamError, match="plain http"):
        realm_url(challenge, Site("https", "ghcr.io", 443))
    assert realm_url(challenge, Site("http", "ghcr.io", 80)) == URL("http://ghcr.io/token")
