"""Retry-After, back-off, where addresses lead, and which address a registry has."""

import pytest
from yarl import URL

from orlop.adapters.upstream.client import ClientOptions
from orlop.adapters.upstream.patience import Patience, parse_retry_after
from orlop.adapters.upstream.transport import follow
from orlop.ports.upstream import UpstreamError

#: Thu, 01 Jan 2026 00:00:00 GMT.
NOW = 1_767_225_600.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
        ("Wed, 31 Dec 2025 00:00:30 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("", None),
        (None, None),
        ("٣", None),
    ],
)
def test_retry_after_is_read(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


def test_delays_double_up_to_a_limit_and_end() -> None:
    patience = Patience(attempts=8, first_delay=1, longest_delay=10, longest_retry_after=60)
    assert [patience.delay(attempt, None, 1.0) for attempt in range(1, 9)] == [1, 2, 4, 8, 10, 10, 10, None]
    assert patience.delay(1, None, 0.0) == 0.5
    assert patience.delay(1, 60, 0.5) == 60
    assert patience.delay(1, 61, 0.5) is None
    assert patience.delay(8, 1, 0.5) is None


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/x?a=b%2Fc", "https://r.example:8443/v2/x?a=b%2Fc"),
        ("other", "https://r.example:8443/v2/other"),
        ("https://s3.example/b?X-Sig=%2B%3D&y", "https://s3.example/b?X-Sig=%2B%3D&y"),
        ("//cdn.example/b", "https://cdn.example/b"),
        ("?n=5", "https://r.example:8443/v2/start?n=5"),
    ],
)
def test_locations_are_followed_to_the_letter(location: str, expected: str) -> None:
    assert str(follow(URL("https://r.example:8443/v2/start"), location)) == expected


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://r.example/",
        "file:///etc/passwd",
        "https://u@h/",
        "https://h:99999/",
        "/a\r\nb",
        "/ä",
        "\\\\h",
        "/a b",
        "ftp://h/",
    ],
)
def test_locations_that_lead_nowhere_good_are_refused(location: str) -> None:
    with pytest.raises(UpstreamError):
        follow(URL("https://r.example:8443/v2/start"), location)


@pytest.mark.parametrize(
    ("registry", "plain", "url"),
    [
        ("docker.io", False, "https://registry-1.docker.io"),
        ("ghcr.io", False, "https://ghcr.io"),
        ("ghcr.io", True, "http://ghcr.io"),
        ("localhost", False, "http://localhost"),
        ("localhost:5000", False, "http://localhost:5000"),
        ("127.0.0.1:5000", False, "http://127.0.0.1:5000"),
        ("[::1]", False, "http://[::1]"),
        ("[::1]:5000", False, "http://[::1]:5000"),
        ("127.0.0.1.evil.example", False, "https://127.0.0.1.evil.example"),
        ("localhost.evil.example:5000", False, "https://localhost.evil.example:5000"),
        ("10.0.0.1:5000", False, "https://10.0.0.1:5000"),
    ],
)
def test_plain_http_is_for_this_machine_or_on_request(registry: str, plain: bool, url: str) -> None:
    assert str(ClientOptions(plain_http=plain).base_url(registry)).rstrip("/") == url
