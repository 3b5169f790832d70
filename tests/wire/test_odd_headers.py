"""Headers that a library or a rule of ours reads, with what nobody sends: no face may fail at any of it."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orlop.domain.digest import Digest
from tests.content import image
from tests.wire.inprocess import InProcess, Lines

APP = image("app", layers=["base"])
_BLOB: Digest = APP.blobs[0].digest

#: Every face, reading and writing.
ASKED = (
    ("GET", "/v2/"),
    ("GET", "/v2/app/manifests/v1"),
    ("GET", f"/v2/app/blobs/{_BLOB}"),
    ("HEAD", f"/v2/app/blobs/{_BLOB}"),
    ("POST", "/v2/app/blobs/uploads/"),
    ("PUT", "/v2/app/manifests/v1"),
    ("GET", "/v2/_catalog"),
    ("GET", "/token?service=orlop"),
    ("POST", "/token"),
    ("GET", "/token/keys"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/passkey"),
    ("GET", "/login/oidc/none"),
    ("POST", "/logout"),
    ("GET", "/account"),
    ("GET", "/static/none"),
    ("GET", "/api/v1/me"),
    ("POST", "/api/v1/users"),
    ("PUT", "/api/v1/me/password"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/readyz"),
    ("POST", "/nowhere"),
)

#: URLs and authorities that parsers disagree on, or raise at.
_URLS = (
    "http://[",
    "http://]",
    "http://[]",
    "http://[::1",
    "http://[::1]]",
    "http://[v1.x]",
    "http://[fe80::1%25eth0]",
    "http://[::ffff:999.1.1.1]",
    "http://a:b:c",
    "http://a:99999",
    "http://a:-1",
    "http://a:1e3",
    "http://a:\xb2",
    "http://\xe9\xe9",
    "http://a\u2100b".encode().decode("latin-1"),
    "http://@",
    "http://a@b@c",
    "http://registry.example@[",
    "//[",
    "[",
    "://",
    "http:",
    "null",
    "",
    "\\\\",
    "http://registry.example",
    "http://registry.example, http://[",
    "javascript:alert(1)",
    "data:,",
    "x" * 9_000,
)
_HOSTS = (
    "[::::]",
    "[1.2.3]",
    "[::1]:99999",
    "[::ffff:1.2.3.4]:5000",
    "[" + ":" * 44 + "]",
    "a:99999",
    "a:65536",
    "a:0",
    "a..b",
    "a_b",
    "a b",
    "a/b",
    "a@b",
    "\xff",
    "a" * 254,
    "a, b",
    "",
    ":",
    "[",
    "]",
    "%00",
    "xn--",
)
_DATES = (
    "Tue, 99 Foo 2026 99:99:99 GMT",
    "Thu, 01 Jan 0000 00:00:00 GMT",
    "Thu, 01 Jan 99999999999 00:00:00 GMT",
    "0",
    "-1",
    "2026-12-01",
    "Sun Nov  6 08:49:37 1994",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "1, 1 1 1 1:1:1 +99999999999999999999",
)
_NUMBERS = ("", "-1", "+1", "0x1", "1_000", "1e400", "9" * 400, "\xb2", "\xb9\xb9", "1,1", "1 1", "NaN", "\t5")
_LISTS = (
    "*",
    "*/*;q=",
    "*/*;q=NaN",
    "a/b;q=1e400",
    "a/b;" + "x=y;" * 2_000,
    "," * 5_000,
    ";",
    "/",
    'a/b;q="',
    'a/b;charset="\\',
    "\xff/\xff",
    "application/json; charset=utf-7",
    "application/json; charset=no-such",
    "multipart/form-data",
    'multipart/form-data; boundary="',
    "application/x-www-form-urlencoded; charset=utf-16",
    "de-DE;q=1.5, *;q=-1, \xe4",
    "en" + "-x" * 2_000,
)
_RANGES = (
    "bytes=",
    "bytes=-",
    "bytes=-0",
    "bytes=0-0, 1-1",
    "bytes=" + "0-0," * 3_000,
    "bytes=\xb2-",
    "bytes=99999999999999999999-",
    "bytes=5-1",
    "items=0-1",
    "0-0",
    "0-",
    "-",
    "bytes 0-0/1",
    "99999999999999999999-99999999999999999999",
    "\xb2-\xb3",
)
_CREDENTIALS = (
    "Basic",
    "Basic =",
    "Basic ====",
    "Basic \xff",
    "Basic Og==",
    "Basic AAAA",
    "Basic /////w==",
    "Basic YTpi" * 500,
    "Bearer",
    "Bearer .",
    "Bearer ..",
    "Bearer a.b.c",
    "Bearer e30.e30.",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer W10.W10.W10",
    "Bearer bnVsbA.bnVsbA.bnVsbA",
    "Bearer " + "eyI" * 9_000,
    "Digest x=y",
    "Negotiate",
    "\xff",
    " ",
)
_COOKIES = (
    "orlop-session",
    "orlop-session=",
    "orlop-session=;orlop-session=",
    "orlop-session=" + "A" * 43,
    "orlop-visit=" + "\xff" * 43,
    "=;=;=",
    ";" * 9_000,
    'a="\\',
    "$Version=1; a=b",
    "\xff=\xff",
    "orlop-session=" + "A" * 20_000,
)
_TAGS = ("*", '"', 'W/"', '"1"', '"\xff"', '"' + "1" * 5_000 + '"', "W/", ",", '""', "1")
_FORWARDED = (
    "for=",
    'for="[',
    "for=_hidden;by=;proto=ftp;host=[",
    "1.2.3.4.5",
    "[",
    "::1%",
    "::1%eth0",
    "fe80::1%\xff",
    "1.2.3.4, " * 500,
    "999.999.999.999",
    "0x7f.1",
    "\xb2",
    "http,https",
    ",",
)

ODD: dict[str, tuple[str, ...]] = {
    "origin": _URLS,
    "referer": _URLS,
    "host": (*_URLS, *_HOSTS),
    "x-forwarded-host": (*_URLS, *_HOSTS),
    "x-forwarded-proto": (*_FORWARDED, *_URLS),
    "x-forwarded-for": (*_FORWARDED, *_HOSTS),
    "forwarded": _FORWARDED,
    "sec-fetch-site": _LISTS,
    "range": _RANGES,
    "content-range": _RANGES,
    "if-range": (*_DATES, *_TAGS),
    "if-match": _TAGS,
    "if-none-match": _TAGS,
    "if-modified-since": _DATES,
    "if-unmodified-since": _DATES,
    "accept": _LISTS,
    "accept-language": _LISTS,
    "accept-encoding": _LISTS,
    "accept-charset": _LISTS,
    "content-type": _LISTS,
    "content-encoding": _LISTS,
    "content-length": _NUMBERS,
    "transfer-encoding": _LISTS,
    "cookie": _COOKIES,
    "authorization": _CREDENTIALS,
    "idempotency-key": (*_NUMBERS, *_LISTS),
    "user-agent": ("\xff", "%s%n", "x" * 9_000, ""),
    "expect": ("", "100-continue", "200-ok", "\xff"),
    "date": _DATES,
    "oci-chunk-min-length": _NUMBERS,
    "docker-upload-uuid": _NUMBERS,
}


#: Whom a registry trusts as a proxy, and what may change how it reads a header then.
_STRAIGHT, _BEHIND = "", "127.0.0.0/8"
_BELIEVED = tuple(
    name for name in ODD if name.startswith(("x-forwarded", "forwarded", "host", "origin", "referer", "sec-"))
)


@pytest.fixture(scope="module", params=[_STRAIGHT, _BEHIND], ids=["straight", "behind a proxy"])
def asked(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    """A registry that asks who comes, and that believes what a proxy says, or does not."""
    with (
        structlog.testing.capture_logs() as log,
        InProcess(open=False, trusted_proxies=request.param) as registry,
    ):
        yield registry
    assert [entry for entry in log if entry["log_level"] in {"error", "critical"}] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "name"),
    [*((_STRAIGHT, name) for name in ODD), *((_BEHIND, name) for name in _BELIEVED)],
    indirect=["asked"],
)
def test_no_header_is_a_failure_of_the_server(asked: InProcess, name: str) -> None:
    for value in ODD[name]:
        for method, target in ASKED:
            check(asked, method, target, [(name, value)])


#: Bytes that the parser of HTTP lets through.
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(ASKED),
    st.lists(
        st.sampled_from(list(ODD)).flatmap(
            lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(ODD[name]), _VALUES))
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_nor_are_several_together(asked: InProcess, what: tuple[str, str], lines: list[tuple[str, str]]) -> None:
    check(asked, *what, lines)


def check(registry: InProcess, method: str, target: str, lines: Lines) -> None:
    """Ask, and see that it is an answer."""
    answer = registry.ask(method, target, headers=lines)
    assert answer.status < 500, (method, target, lines, answer)
    for name, value in answer.headers:
        assert "\r" not in name + value
        assert "\n" not in name + value
