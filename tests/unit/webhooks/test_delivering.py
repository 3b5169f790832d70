"""Events arrive: in order per repository, again until they do, and no receiver holds up another's."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as Checker

from orlop.adapters.webhooks.sender import HttpSender
from orlop.domain.errors import Stale, Unavailable
from orlop.domain.events import Event, EventKind
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.webhooks.schedule import LIVES, PATIENCE
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.settings import Document
from orlop.ports.webhooks import Answer, DeliveryState, Outgoing
from orlop.services.following import known
from orlop.services.webhooks import deliver
from orlop.services.webhooks.deliver import JOB
from tests.receivers import Authority, Received, Receiver
from tests.unit.webhooks.office import DAY, Office


@pytest.fixture
def office(runner: asyncio.Runner) -> Iterator[Office]:
    made = Office()
    yield made
    runner.run(made.close())


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    async with receiver.listening() as port:
        yield receiver, f"http://127.0.0.1:{port}/x"


async def test_events_arrive_over_tls_signed_and_are_written_down(office: Office, tmp_path: Path) -> None:
    authority, receiver = Authority(), Receiver()
    secret = "whsec_" + "A" * 40
    async with receiver.listening(authority.context(tmp_path)) as port:
        key = await office.hook(
            *("deploys", f"https://localhost:{port}/x?token=1"),
            path="team",
            secret=secret,
            ca_certificate=authority.pem,
            authorization="Bearer t0ken",
            headers=["X-Team: a"],
        )
        await office.tagged("team/app:v1", "team/app:v2", "other/app:v3")
        await office.delivered()
    first, second = receiver.requests
    assert first.target == "/x?token=1"
    assert first.json["type"] == "orlop.tag.set"
    assert [each.json["subject"] for each in receiver.requests] == ["team/app:v1", "team/app:v2"]
    assert (first.headers["authorization"], first.headers["x-team"]) == ("Bearer t0ken", "a")
    assert first.id != second.id
    assert receiver.connections == 1, "one connection does for both"
    listed = await office.listed(key)
    assert [(each.state, each.status, each.attempts) for each in listed] == [("delivered", 200, 1)] * 2
    [attempt] = await office.log.attempts(listed[0].id)
    assert (attempt.number, attempt.status, attempt.answer, attempt.error) == (1, 200, "ok", "")
    assert office.attempts == [True, True]
    assert b"192.0.2.7" not in first.body, "where somebody sits is not told"
    assert b"laptop" not in first.body


@pytest.mark.parametrize("texts", [("whsec_" + "c2VjcmV0" * 4,), ("whsec_" + "b25l" * 8, "whsec_" + "dHdv" * 8)])
async def test_others_accept_the_signature_of_each_secret(office: Office, texts: tuple[str, ...]) -> None:
    office.clock.at = int(time.time()) * SECOND  # their library looks at the clock of the machine
    async with receiving() as (receiver, url):
        await office.hook("deploys", url, **dict(zip(("secret", "second_secret"), texts, strict=False)))
        await office.tagged("app:v1")
        await office.delivered()
    [received] = receiver.requests
    for text in texts:
        assert Checker(text).verify(received.body, received.headers) == received.json
    with pytest.raises(Exception, match="signature"):
        Checker("whsec_" + "d3Jvbmc=").verify(received.body, received.headers)


async def test_the_events_of_a_repository_keep_their_order_whatever_fails(office: Office) -> None:
    async with receiving() as (receiver, url):
        key = await office.hook("all", url, parallel=4)
        names = [f"team/app{number % 5}" for number in range(60)]
        await office.tagged(*(f"{name}:v{number}" for number, name in enumerate(names)))
        seen: dict[str, int] = {}

        def stubborn(received: object) -> int:
            seen[received.id] = seen.get(received.id, 0) + 1  # type: ignore[attr-defined]
            return 503 if received.id.endswith(("3", "7")) and seen[received.id] == 1 else 200  # type: ignore[attr-defined]

        receiver.status = stubborn
        for _ in range(40):
            await office.delivered()
            office.clock.at += 10 * SECOND
    taken = [each.json["subject"] for each in receiver.requests]
    by_lane: dict[str, list[int]] = {}
    for subject in taken:
        name, _, tag = subject.partition(":v")
        by_lane.setdefault(name, []).append(int(tag))
    for name, tags in by_lane.items():
        once = list(dict.fromkeys(tags))
        assert once == [number for number, each in enumerate(names) if each == name], name
        assert tags == sorted(tags), "one that failed comes again before the next"
    assert {each.state for each in await office.listed(key)} == {DeliveryState.DELIVERED}


async def test_what_fails_is_sent_again_later_and_later_for_a_day_and_then_given_up(office: Office) -> None:
    async with receiving() as (receiver, url):
        receiver.status = lambda _: 500
        receiver.answer = b"no room"
        key = await office.hook("deploys", url)
        await office.tagged("app:v1")
        began, times = office.clock.at, []
        while (await office.listed(key))[0].state is DeliveryState.PENDING:
            times.append(office.clock.at - began)
            await office.delivered()
            [delivery] = await office.listed(key)
            office.clock.at = max(delivery.due_at, office.clock.at + SECOND)
            assert len(times) < 100
    assert delivery.state is DeliveryState.DEAD
    assert (delivery.status, delivery.error) == (500, "the receiver answered 500")
    assert times[:4] == [0, 5 * SECOND, 35 * SECOND, 155 * SECOND]
    assert times[-1] == LIVES
    assert len({each.id for each in receiver.requests}) == 1, "always the same message"
    assert len({each.body for each in receiver.requests}) == 1
    attempts = await office.log.attempts(delivery.id)
    assert [attempt.number for attempt in attempts] == list(range(1, len(times) + 1))
    assert {attempt.answer for attempt in attempts} == {"no room"}

    async with receiving() as (receiver, url):
        await office.hook("deploys", url)
        office.clock.at += HOUR
        await office.log.redeliver(delivery.id, office.clock.at + LIVES, office.by)
        await office.delivered()
        [again] = receiver.requests
    assert again.id == delivery.message
    assert (await office.listed(key))[0].state is DeliveryState.DELIVERED


async def test_a_receiver_that_hangs_holds_up_no_other(office: Office) -> None:
    office = Office(seconds=1.0)
    async with receiving() as (hanging, stuck), receiving() as (receiver, url):
        hanging.hangs = True
        slow = await office.hook("slow", stuck)
        await office.hook("fast", url)
        await office.tagged(*(f"team/app:v{number}" for number in range(200)))
        lease = await office.lease()
        async with asyncio.timeout(20):
            while len(receiver.requests) < 200:
                await office.deliverer.step(lease)
                await asyncio.sleep(0.01)
        await office.delivered()
    first = (await office.listed(slow))[0]
    assert (first.state, first.error) == ("pending", "127.0.0.1 did not answer in 1 seconds")
    assert len(hanging.requests) == 1, "and it rests for a while"
    await office.close()


async def test_certificates_that_are_none_hold_up_no_other(office: Office) -> None:
    bad = await office.hook("bad", "https://127.0.0.1:9/x", ca_certificate="-----é-----")
    receiver = Receiver()
    async with receiver.listening() as port:
        good = await office.hook("good", f"http://127.0.0.1:{port}/x")
        await office.tagged("team/app:v1")
        await office.delivered()
        await office.tagged("team/app:v2")
        await office.delivered()
    assert [delivery.state for delivery in await office.listed(good)] == ["delivered", "delivered"]
    first, _ = await office.listed(bad)
    assert first.error.startswith("the certificates or the key of the webhook cannot be used")


async def test_a_defect_at_one_hook_is_none_of_the_others(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    send = HttpSender.send

    async def broken(self: HttpSender, outgoing: Outgoing) -> Answer:
        if "broken" in outgoing.url:
            raise ZeroDivisionError
        return await send(self, outgoing)

    monkeypatch.setattr(HttpSender, "send", broken)
    async with receiving() as (receiver, url):
        bad = await office.hook("bad", f"{url}/broken")
        good = await office.hook("good", url)
        for tag in ("v1", "v2"):
            await office.tagged(f"team/app:{tag}")
            await office.delivered()
    assert len(receiver.requests) == 2
    assert [delivery.state for delivery in await office.listed(good)] == ["delivered", "delivered"]
    assert {delivery.state for delivery in await office.listed(bad)} == {"pending"}


async def test_a_hook_that_fails_for_days_is_paused_and_says_so_until_somebody_resumes_it(office: Office) -> None:
    async with receiving() as (receiver, url):
        receiver.status = lambda _: 404
        key = await office.hook("deploys", url, path="team")
        began = office.clock.at
        while not (await office.log.health(key)).paused_at:
            await office.tagged("team/app:v1")
            await office.delivered()
            office.clock.at += 2 * HOUR
            assert office.clock.at - began < 5 * DAY
        assert (await office.log.health(key)).paused_at - began >= PATIENCE
        tried = len(receiver.requests)
        await office.tagged("team/app:v2")
        await office.delivered()
        assert len(receiver.requests) == tried
        [event] = [each for each in await _events(office) if each.kind == EventKind.WEBHOOK_PAUSED]
        assert (event.repository, event.subject) == ("team", "webhook deploys")
        assert event.detail == "the receiver answered 404"
        receiver.status = lambda _: 200
        await office.log.resume(key, office.by)
        await office.delivered()
        assert len(receiver.requests) > tried


async def test_a_hook_does_not_rest_until_a_time_that_a_clock_was_set_back_from(office: Office) -> None:
    async with receiving() as (receiver, url):
        receiver.status = lambda _: 500
        await office.hook("deploys", url)
        await office.tagged("team/app:v1")
        await office.delivered()
        receiver.status = lambda _: 200
        office.clock.at -= DAY
        await office.tagged("team/web:v1")
        await office.delivered()
    assert [received.json["data"]["repository"] for received in receiver.requests] == ["team/app", "team/web"]


async def test_a_receiver_that_is_gone_for_good_is_left_alone_at_once(office: Office) -> None:
    async with receiving() as (receiver, url):
        receiver.status = lambda _: 410
        key = await office.hook("deploys", url)
        await office.tagged("app:v1")
        await office.delivered()
    assert (await office.log.health(key)).paused_at == office.clock.at


async def test_hooks_that_are_slow_leave_places_to_those_that_are_quick(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_HOOKS", 4)
    monkeypatch.setattr(deliver, "_SLOW_HOOKS", 2)

    def slowly(_: Received) -> int:
        office.clock.at += 3 * SECOND
        return 200

    async with receiving() as (slow, there), receiving() as (quick, url):
        slow.status = slowly
        names = [await office.hook(name, there) for name in ("a", "b", "c", "d")]
        await office.tagged("team/app:v1")
        await office.delivered()
        await slow.got(4)
        slow.hangs = True
        await office.hook("quick", url)
        await office.tagged("team/app:v2")
        await office.deliverer.step(await office.lease())
        await quick.got(1)
        assert len(set(office.deliverer._serving) & set(names)) == 2


async def test_where_others_wait_a_hook_has_its_place_for_a_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_HOOKS", 1)

    def taking(_: Received) -> int:
        office.clock.at += SECOND
        return 200

    async with receiving() as (busy, there), receiving() as (other, url):
        busy.status = taking
        await office.hook("busy", there)
        await office.hook("other", url)
        for number in range(3):
            await office.tagged(*(f"team/app{number}:v{tag}" for tag in range(15)))
        lease = await office.lease()
        while not other.requests:
            await office.deliverer.step(lease)
            await asyncio.sleep(0.005)
        assert len(busy.requests) < 40


async def test_what_is_pending_of_a_hook_that_is_removed_is_given_up(office: Office) -> None:
    async with receiving() as (receiver, url):
        receiver.status = lambda _: 500
        key = await office.hook("deploys", url)
        await office.tagged("app:v1")
        await office.delivered()
        await office.rows.identity.documents.remove("webhook", "deploys", office.by)
        office.clock.at += HOUR
        await office.delivered()
    [delivery] = await office.listed(key)
    assert (delivery.state, delivery.error) == ("dead", "the webhook was removed")


async def test_nothing_is_sent_to_a_hook_that_is_disabled(office: Office) -> None:
    async with receiving() as (receiver, url):
        key = await office.hook("deploys", url, disabled=True)
        await office.tagged("app:v1")
        await office.delivered()
        assert not receiver.requests
        await office.hook("deploys", url)
        await office.delivered()
        assert len(receiver.requests) == 1
        await office.hook("deploys", url, disabled=True)
        await office.tagged("app:v2")
        office.clock.at += LIVES + HOUR + SECOND
        await office.delivered()
    assert [each.state for each in await office.listed(key)] == ["delivered", "dead"]


async def test_a_hook_that_is_disabled_while_it_is_served_sends_nothing_more(office: Office) -> None:
    changing: list[asyncio.Task[str]] = []
    async with receiving() as (receiver, url):

        def disable(_: Received) -> int:
            changing.append(asyncio.create_task(office.hook("deploys", url, disabled=True)))
            return 200

        receiver.status = disable
        key = await office.hook("deploys", url)
        await office.tagged("team/app:v1", "team/web:v1", "team/db:v1")
        await office.delivered()
        await asyncio.gather(*changing)
    assert len(receiver.requests) == 1
    assert [delivery.state for delivery in await office.listed(key)] == ["delivered", "pending", "pending"]


async def test_secrets_are_fetched_from_where_they_are_kept(tmp_path: Path) -> None:
    office = Office(places=SecretPlaces((str(tmp_path),)))
    file = tmp_path / "token"
    async with receiving() as (receiver, url):
        key = await office.hook("deploys", url, authorization=f"file:{file}")
        await office.tagged("app:v1")
        await office.delivered()
        [delivery] = await office.listed(key)
        assert "cannot be read" in delivery.error
        file.write_text("Bearer abc\n")
        office.clock.at += 10 * SECOND
        await office.delivered()
    assert receiver.requests[0].headers["authorization"] == "Bearer abc"
    await office.close()


async def test_a_process_that_was_frozen_for_longer_than_its_lease_sends_nothing_more(office: Office) -> None:
    async with receiving() as (receiver, url):
        key = await office.hook("deploys", url)
        await office.tagged("app:v1")
        late = await office.lease()
        office.clock.at += 2 * HOUR
        other = await office.rows.leases.acquire(JOB, "else", now=office.clock.at, until=office.clock.at + HOUR)
        assert other is not None

        async def go_on() -> None:
            for _ in range(10):
                await office.deliverer.step(late)
                await asyncio.sleep(0.02)

        with pytest.raises(Stale):
            await go_on()
        assert receiver.requests == []
    assert (await office.listed(key))[0].attempts == 0


async def test_a_setting_that_cannot_be_read_stops_the_follower_until_events_are_skipped(
    office: Office,
) -> None:

    async with receiving() as (receiver, url):
        await office.hook("deploys", url)
        bad = Document("webhook", "newer", b'{"url":"https://x","events":["*"],"new":1}', path="team")
        await office.tagged("lib:v1")
        await office.rows.identity.documents.put(bad, office.by)
        for name, tag in (("team/app", "v2"), ("lib", "v3")):
            await office.rows.audit.writer.write([office.event(EventKind.TAG_SET, name, tag=tag)])
        lease = await office.lease(known.WEBHOOKS.job)
        for kind in (EventKind.DOCUMENT_CHANGED, EventKind.TAG_SET):
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await office.intake.step(lease)
            standing = await office.rows.cursors.state(known.WEBHOOKS)
            assert standing.trouble is not None
            [event] = [each for each in await _events(office) if each.id == standing.trouble.position]
            assert (event.kind, event.repository.split("/")[0]) == (kind, "team")
            assert "newer" in standing.trouble.error
            await office.delivered()
            assert [each.json["subject"] for each in receiver.requests] == ["lib:v1"]
            await office.rows.cursors.skip(known.WEBHOOKS, standing.trouble.position, office.by)
        await office.intake.step(lease)
        await office.delivered()
        assert [each.json["subject"] for each in receiver.requests] == ["lib:v1", "lib:v3"]
    assert (await office.rows.cursors.state(known.WEBHOOKS)).trouble is None


async def _events(office: Office) -> list[Event]:
    return list(await office.rows.catalog.outbox.events(0, 1000))
