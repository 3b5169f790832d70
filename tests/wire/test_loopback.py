"""An open registry answers its own machine and nobody for whom a proxy asks, whatever address it listens on."""

import pytest

from tests.wire.conftest import APP
from tests.wire.inprocess import InProcess

#: What shows that somebody else's request came through a proxy, and a word of what is said then.
FOREIGN = [
    (("x-forwarded-for", "203.0.113.7"), "its header x-forwarded-for says"),
    (("x-forwarded-proto", "https"), "its header x-forwarded-proto says"),
    (("x-real-ip", "127.0.0.1"), "its header x-real-ip says"),
    (("forwarded", "for=127.0.0.1"), "its header forwarded says"),
    (("via", "1.1 proxy"), "its header via says"),
    (("host", "registry.example.com"), "is for 'registry.example.com'"),
    (("host", "192.168.1.5:5000"), "is for '192.168.1.5:5000'"),
    (("host", "localhost.example.com"), "is for 'localhost.example.com'"),
    (("host", "127.0.0.1, evil.example"), "is for '127.0.0.1, evil.example'"),
    (("host", "127.0.0.1.evil.example"), "is for"),
    (("host", ""), "is for ''"),
]
NEAR = ["localhost", "LOCALHOST:5000", "app.localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "[::1]"]


@pytest.mark.parametrize(("line", "why"), FOREIGN, ids=[f"{name}: {value}" for (name, value), _ in FOREIGN])
def test_what_came_through_a_proxy_is_refused_with_its_reason(
    refusing: InProcess, line: tuple[str, str], why: str
) -> None:
    for method, target in (
        ("GET", "/v2/"),
        ("GET", "/v2/app/manifests/v1"),
        ("POST", "/v2/app/blobs/uploads/"),
        ("GET", "/token"),
    ):
        answer = refusing.ask(method, target, headers=[line])
        assert answer.status == 403, (method, target)
        [error] = answer.json()["errors"]
        assert error["code"] == "DENIED"
        assert why in error["message"]
        assert "start it without --open" in error["message"]


def test_what_is_answered_at_once_is_refused_at_once(refusing: InProcess) -> None:
    assert refusing.ask("GET", "/v2/app/manifests/v1").body == APP.content
    before = refusing.answered_at_once
    assert refusing.ask("GET", "/v2/app/manifests/v1").body == APP.content
    assert refusing.answered_at_once == before + 1
    for line, _ in FOREIGN:
        assert refusing.ask("GET", "/v2/app/manifests/v1", headers=[line]).status == 403
    assert refusing.answered_at_once == before + 1


@pytest.mark.parametrize("host", NEAR)
def test_every_name_of_this_machine_is_answered(refusing: InProcess, host: str) -> None:
    assert refusing.ask("GET", "/v2/", headers=[("host", host)]).status == 200


def test_a_probe_is_answered_whoever_it_is_for(refusing: InProcess) -> None:
    assert refusing.ask("GET", "/healthz", headers=[("host", "10.0.0.1:5000")]).status == 200


def test_a_registry_with_accounts_is_for_everybody() -> None:
    with InProcess(open=False) as registry:
        for line, _ in FOREIGN:
            assert registry.ask("GET", "/v2/", headers=[line]).status == 401
