"""Who is sent to the store, and who is not."""

from ipaddress import ip_network

import pytest

from orlop.domain.access import ANONYMOUS, Caller
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.redirects import RedirectRules
from orlop.faces.http.body import RequestBody
from orlop.faces.http.responses import Headers

INSIDE = RedirectRules(networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


def asked(client: str, agent: str = "docker/28.0") -> Exchange:
    """A request by a client."""

    async def receive() -> dict[str, object]:
        raise AssertionError("nobody reads the body")

    headers: Headers = [(b"user-agent", agent.encode())]
    body = RequestBody(receive, {}, 1.0, http1=True)
    return Exchange("GET", dict(headers), body, Caller(ANONYMOUS, client))


@pytest.mark.parametrize("client", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"])
def test_a_client_of_a_named_network_is(client: str) -> None:
    assert INSIDE.allow(asked(client))


@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8::1", "", "unix:"])
def test_a_client_of_another_network_is_not(client: str) -> None:
    assert not INSIDE.allow(asked(client))
    assert RedirectRules().allow(asked(client)), "no network named means all"


def test_a_client_that_does_not_follow_is_not() -> None:
    rules = RedirectRules(never_agents=("old-client/", "another"))
    assert not rules.allow(asked("10.1.2.3", "old-client/1.0"))
    assert rules.allow(asked("10.1.2.3", "docker/28.0 old-client/1.0"))
