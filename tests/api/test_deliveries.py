"""Deliveries of webhooks belong to the webhook itself, and tell nobody more than they may know."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.domain.access import Effect
from orlop.domain.settings import checked_name
from orlop.ports.webhooks import Attempt, DeliveryState, NewDelivery
from tests.api.harness import KINDS, Api, assert_problem, namespace, registry

HOOK = {"url": "http://127.0.0.1:9/x", "events": ["tag.*"]}
NEW = {"if-none-match": "*"}
ADDRESS = "/webhooks/deploys?path=team"


@pytest.fixture
def api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry(KINDS))
    yield made
    runner.run(made.hooks.close())
    made.close()


async def delivered(api: Api, lane: str, kind: str = "tag.set") -> int:
    """A delivery of the webhook of `team`; its number."""
    hook = await api.identity.documents.get("webhook", checked_name("webhook", "deploys"), "team")
    assert hook is not None
    new = NewDelivery(hook.identity, lane, 1, kind, b"{}")
    return (await api.catalog.webhooks.log.tried(new, Attempt(1, 1, 1, 500, "", ""), DeliveryState.DEAD, api.by)).id


async def numbers(api: Api, who: str) -> list[int]:
    """Those that somebody is told of."""
    listed = await api.ask("GET", "/webhooks/deploys/deliveries?path=team", who)
    assert listed.status == 200
    return [each["id"] for each in listed.json()]


async def test_what_belonged_to_a_webhook_is_not_that_of_one_made_anew(api: Api) -> None:
    assert (await api.ask("PUT", ADDRESS, "ann", HOOK, headers=NEW)).status == 200
    old = await delivered(api, "team/app")
    assert await numbers(api, "ann") == [old]
    assert (await api.ask("DELETE", ADDRESS, "ann")).status == 204
    assert (await numbers(api, "ann"), await numbers(api, "root"), await numbers(api, "aud")) == ([], [old], [old])
    assert (await api.ask("PUT", ADDRESS, "ann", HOOK, headers=NEW)).status == 200
    new = await delivered(api, "team/app")
    for who in ("ann", "root"):
        assert await numbers(api, who) == [new]
    for method, target in (("GET", f"/deliveries/{old}"), ("POST", f"/deliveries/{old}/redeliver")):
        assert_problem(await api.ask(method, target, "ann"), 404)
    assert (await api.ask("GET", f"/deliveries/{old}", "aud")).status == 200
    assert (
        "no webhook deploys"
        in assert_problem(await api.ask("POST", f"/deliveries/{old}/redeliver", "root"), 404)["detail"]
    )
    assert (await api.ask("POST", f"/deliveries/{new}/redeliver", "ann")).status == 202


async def test_deliveries_tell_nobody_more_than_they_may_know(api: Api) -> None:
    await api.account("max", ("maintainer", namespace("team")))
    assert (await api.ask("PUT", ADDRESS, "root", {**HOOK, "events": ["*"]}, headers=NEW)).status == 200
    content, secret = await delivered(api, "team/app"), await delivered(api, "team/secret/app", "manifest.pushed")
    granted, tried = await delivered(api, "team", "grant.added"), await delivered(api, "", "webhook.test")
    everything = [tried, granted, secret, content]
    for who in ("root", "aud", "ann"):
        assert await numbers(api, who) == everything
    assert await numbers(api, "max") == [tried, secret, content], "grants are for those who read the audit log"
    await api.grant("max", "reader", namespace("team/secret"), Effect.DENY)
    assert await numbers(api, "max") == [tried, content]
    for number in everything:
        seen = (await api.ask("GET", f"/deliveries/{number}", "max")).status
        assert seen == (200 if number in (tried, content) else 404)
    assert (await api.ask("POST", f"/deliveries/{secret}/redeliver", "max")).status == 404
