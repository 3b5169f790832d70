"""The pages of whoever runs the registry: who sees them, what they do, and the streams that keep them as things are."""

import asyncio
import html
import re

import pytest

from orlop.adapters.identity.heads import Ed25519Heads
from orlop.domain.access import Place, PlaceKind
from orlop.domain.durations import HOUR
from orlop.domain.errors import Denied, RegistryError, TooManyRequests, Unavailable
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.queue import JobState, Order
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.live import Live, Shown
from orlop.ports.identity import Document, Namespace, NewGrant
from orlop.ports.replicas import Replica
from orlop.services.audit.log import JOB, AuditWriter, Keep
from tests.catalogs import rows
from tests.content import image
from tests.unit.ui.places import pushed
from tests.unit.ui.scene import Browser, Scene

REGISTRY, TEAM = Place(PlaceKind.REGISTRY), Place(PlaceKind.NAMESPACE, "team")
PEOPLE = {
    "root": ("admin", REGISTRY),
    "aud": ("auditor", REGISTRY),
    "ann": ("owner", TEAM),
    "rita": ("reader", TEAM),
    "eve": ("reader", Place(PlaceKind.NAMESPACE, "elsewhere")),
}


async def person(scene: Scene, name: str) -> Browser:
    """A browser of somebody with a role, who is signed in; of nobody for the empty name."""
    browser = scene.browser()
    if name:
        await scene.user(name)
        role, place = PEOPLE[name]
        await scene.identity.grants.add(NewGrant(principal=name, role=role, place=place), scene.by())
        assert (await browser.sign_in(name)).status == 303
    return browser


async def asked(scene: Scene, kind: str = "collection") -> int:
    """The number of a job that waits."""
    made = await scene.memory.queue.jobs.ask(Order(kind=kind), scene.by())
    assert made is not None
    return made.id


@pytest.mark.parametrize(("who", "status"), [("", 303), ("rita", 403), ("ann", 403), ("aud", 200), ("root", 200)])
async def test_who_sees_jobs(scene: Scene, who: str, status: int) -> None:
    job = await asked(scene)
    browser = await person(scene, who)
    for page in ("/jobs", f"/jobs/{job}", "/jobs/live", f"/jobs/{job}/live"):
        if status != 200 or not page.endswith("live"):
            assert (await browser.get(page)).status == status, page


async def test_a_job_is_run_cancelled_and_tried_again(scene: Scene) -> None:
    browser = await person(scene, "root")
    await browser.get("/jobs")
    assert "Run collection" in browser.page.text  # type: ignore[union-attr]
    assert "Run upstream-prefetch" not in browser.page.text, "it needs to be told what"  # type: ignore[union-attr]
    asking = await browser.submit("/jobs", {"kind": "collection"})
    assert asking.status == 200
    assert "Run collection now?" in asking.text
    made = await browser.submit("/jobs", {"kind": "collection", "sure": "yes"})
    assert made.status == 303
    job = await browser.get(made.location)
    assert "waiting" in job.text
    assert (await browser.submit(f"{made.location}/cancel")).location == made.location
    assert "cancelled" in (await browser.get(made.location)).text
    again = await browser.submit(f"{made.location}/cancel")
    assert again.status == 409
    assert "there is nothing to cancel any more" in again.text
    assert (await browser.submit(f"{made.location}/retry")).location == made.location
    [row] = (await scene.memory.queue.jobs.page(PageRequest())).items
    assert row.state is JobState.WAITING


async def test_an_auditor_sees_jobs_and_runs_none(scene: Scene) -> None:
    job = await asked(scene)
    browser = await person(scene, "aud")
    assert "Run collection" not in (await browser.get("/jobs")).text
    await browser.get("/account")
    for target, fields in (
        ("/jobs", {"kind": "collection", "sure": "yes"}),
        (f"/jobs/{job}/cancel", {}),
        (f"/jobs/{job}/retry", {}),
    ):
        await browser.get("/account")
        assert (await browser.submit(target, fields)).status == 403, target


async def test_lists_of_jobs_go_on(scene: Scene) -> None:
    numbers = [await asked(scene) for _ in range(60)]
    browser = await person(scene, "root")
    page = await browser.get("/jobs")
    assert f"/jobs?last={numbers[10]}" in page.text
    rest = await browser.get(f"/jobs?last={numbers[10]}&part=rows")
    assert rest.text.count("<tr>") == 10
    assert "<html" not in rest.text
    assert (await browser.get("/jobs?state=sleeping")).status == 400
    assert (await browser.get("/jobs/none")).status == 404
    assert (await browser.get("/jobs/999999")).status == 404


# --- Webhooks ---------------------------------------------------------------------------------------------------------


async def hook(scene: Scene, name: str = "deploys", path: str = "team") -> Document:
    """A webhook that goes nowhere: nobody listens there, and the registry does not go to addresses of its own."""
    body = b'{"url": "https://127.0.0.1:9/x", "events": ["tag.*"]}'
    return await scene.identity.documents.put(Document("webhook", name, body, path=path), scene.by())


def failing(scene: Scene, there: Document) -> None:
    """Nothing arrives there."""
    fares = (there.identity, 2, scene.clock.now(), 0, 0, "it is away")
    rows(scene.memory, "INSERT INTO webhook_health VALUES (?, ?, ?, ?, ?, ?)", *fares)


@pytest.mark.parametrize(("who", "status"), [("", 303), ("rita", 404), ("ann", 200), ("aud", 200), ("root", 200)])
async def test_who_sees_webhooks(scene: Scene, who: str, status: int) -> None:
    await hook(scene)
    await hook(scene, "others", "team-b")
    browser = await person(scene, who)
    listed = await browser.get("/webhooks")
    assert listed.status == (200 if who else 303)
    assert ("/webhooks/deploys" in listed.text) == (status == 200)
    assert ("/webhooks/others" in listed.text) == (who in {"aud", "root"})
    assert (await browser.get("/webhooks/deploys?path=team")).status == (403 if who == "rita" else status)
    if who:
        assert (await browser.get("/webhooks/none?path=team")).status == (403 if who == "rita" else 404)
        assert (await browser.get("/webhooks/deliveries/1")).status == 404


async def test_a_webhook_is_tested_and_resumed(scene: Scene) -> None:
    await hook(scene)
    browser = await person(scene, "ann")
    page = await browser.get("/webhooks/deploys?path=team")
    assert "well" in page.text
    tried = await browser.submit("/webhooks/deploys/test?path=team")
    assert tried.status == 303
    delivery = await browser.get(tried.location)
    assert "given up" in delivery.text
    assert "webhook.test" in delivery.text
    again = await browser.submit(tried.location)
    assert again.status == 409
    assert "was a test; test the webhook again" in again.text
    assert (await browser.submit("/webhooks/deploys/resume?path=team")).location == "/webhooks/deploys?path=team"
    dead = await browser.get("/webhooks/deploys?path=team&dead=yes")
    assert tried.location in dead.text
    assert "orlop webhook deliveries deploys --at team/ --dead" in dead.text


async def test_an_auditor_changes_nothing_of_webhooks(scene: Scene) -> None:
    await hook(scene)
    browser = await person(scene, "aud")
    await browser.get("/account")
    for what in ("test", "resume"):
        assert (await browser.submit(f"/webhooks/deploys/{what}?path=team")).status == 403
        await browser.get("/account")


# --- The audit log ----------------------------------------------------------------------------------------------------


async def logged(scene: Scene) -> None:
    """What happened so far stands in the log."""
    audit, clock = scene.memory.audit, scene.clock
    heads = Ed25519Heads(audit.keys, None, clock.now)
    keep = Keep(0, "0")
    outbox = scene.memory.catalog.outbox
    writer = AuditWriter(outbox, audit.log, audit.reader, audit.readers, heads, clock, keep)
    lease = await scene.memory.leases.acquire(JOB, "me", now=clock.now(), until=clock.now() + HOUR)
    assert lease is not None
    while await writer.step(lease):
        pass


@pytest.mark.parametrize(
    ("who", "whole", "place"),
    [("", 303, 303), ("rita", 403, 403), ("ann", 403, 200), ("aud", 200, 200), ("root", 200, 200)],
)
async def test_who_reads_the_audit_log(scene: Scene, who: str, whole: int, place: int) -> None:
    await scene.identity.namespaces.put(Namespace(path="team"), scene.by())
    browser = await person(scene, who)
    await logged(scene)
    everything, some = await browser.get("/audit"), await browser.get("/audit?place=team")
    assert (everything.status, some.status) == (whole, place)
    assert ("namespace.changed" in some.text.partition("<tbody>")[2]) == (place == 200)
    assert ("Prove it" in everything.text) == (whole == 200)
    if who == "ann":
        assert "name a place that you administer" in everything.text


async def test_the_audit_log_is_searched_and_its_head_can_be_kept(scene: Scene) -> None:
    browser = await person(scene, "root")
    for _ in range(60):
        await scene.identity.namespaces.put(Namespace(path="team", description=str(_)), scene.by())
    await logged(scene)
    page = await browser.get("/audit?kind=namespace.changed&since=2020-01-01&refused=false")
    assert page.text.count('<td class="number" title="') == 50
    more = html.unescape(re.search(r'href="(/audit\?[^"]*last=[^"]*)"', page.text)[1])  # type: ignore[index]
    assert "kind=namespace.changed" in more
    rest = await browser.get(f"{more}&part=rows")
    assert rest.text.count('<td class="number" title="') == 10
    assert "--kind namespace.changed" in page.text
    assert "signature" in page.text, "the newest signed head"
    wrong = await browser.get("/audit?kind=namespace.chnged")
    assert wrong.status == 400
    assert "namespace.changed" in wrong.text
    assert (await browser.get("/audit?since=yesterday")).status == 400
    assert (await browser.get("/audit?last=x")).status == 400


# --- Health and configuration -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "status"), [("", 303), ("rita", 403), ("ann", 403), ("aud", 200), ("root", 200)])
async def test_who_sees_how_the_registry_fares(scene: Scene, who: str, status: int) -> None:
    browser = await person(scene, who)
    for page in ("/health", "/health/configuration"):
        assert (await browser.get(page)).status == status, page


async def test_a_tile_is_red_where_somebody_has_to_act_and_leads_there(scene: Scene) -> None:
    browser = await person(scene, "root")
    quiet = await browser.get("/health")
    assert 'class="state bad"' not in quiet.text
    failing(scene, await hook(scene))
    red = await browser.get("/health")
    assert red.text.count('class="state bad"') == 1
    assert 'href="/webhooks/deploys?path=team">the webhook deploys of team/ fails: it is away' in red.text


async def test_other_servers_are_listed_once_there_are_some(scene: Scene) -> None:
    browser = await person(scene, "root")
    assert "other.example" not in (await browser.get("/health")).text
    other = Replica("other.example:1", "other.example", "1.2.3", 4, scene.clock.now(), scene.clock.now())
    await scene.memory.catalog.replicas.seen(other, 0)
    page = (await browser.get("/health")).text
    assert "other.example: 1.2.3, 4 workers, since" in page
    assert "here: 1.0, 1 worker, since" in page


async def test_the_configuration_tells_where_values_come_from_and_no_secret(scene: Scene) -> None:
    browser = await person(scene, "aud")
    page = await browser.get("/health/configuration")
    assert "<code>ORLOP_AUTH_URL</code>" in page.text
    assert "blobs.secret_access_key" in page.text
    given = await browser.get("/health/configuration?given=yes")
    assert "auth.url" in given.text
    assert "blobs.secret_access_key" not in given.text


# --- Home -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "told"), [("rita", False), ("ann", True), ("aud", True), ("root", True)])
async def test_home_tells_what_needs_its_reader(scene: Scene, who: str, told: bool) -> None:
    failing(scene, await hook(scene))
    page = await (await person(scene, who)).get("/")
    assert ("the webhook deploys of team/ fails" in page.text) == told
    assert ("Nothing: what you look after is well." in page.text) != told


async def test_nobody_is_told_what_needs_somebody(scene: Scene) -> None:
    failing(scene, await hook(scene))
    assert "What needs you" not in (await scene.browser().get("/")).text


@pytest.mark.parametrize(("who", "told"), [("", False), ("eve", False), ("rita", True), ("ann", True), ("aud", True)])
async def test_home_tells_which_tags_were_set_where_its_reader_may_pull(scene: Scene, who: str, told: bool) -> None:
    browser = await person(scene, who)
    for repository in ("team/app", "team-b/app"):
        await pushed(scene).push(RepositoryName(repository), image("app"), Tag("prod"))
    await logged(scene)
    page = await browser.get("/")
    assert ('href="/r/team/app:prod"' in page.text) == told
    assert ('href="/r/team-b/app:prod"' in page.text) == (who == "aud")


# --- Streams ----------------------------------------------------------------------------------------------------------

TICK = 0.002


class Watched:
    """Something that a page shows, and a stream of it."""

    def __init__(self, scene: Scene, *, draining: bool = False, each: int = 2, total: int = 3) -> None:
        self.scene = scene
        self.draining = draining
        self.live = Live(scene.browsers.sessions, lambda: self.draining, each=each, total=total, tick=TICK)
        self.text = "first"
        self.count = 0
        self.made = 0
        self.moving = False
        self.refusal: RegistryError | None = None

    async def exchange(self, browser: Browser) -> UiExchange:
        visitor = await self.scene.browsers.sessions.visitor(browser.session, address=browser.address, request="r")
        return UiExchange(
            method="GET",
            path="/jobs/live",
            query={},
            form={},
            base=self.scene.base,
            secret=browser.session,
            visitor=visitor,
            address=browser.address,
            request="r",
        )

    async def open(self, browser: Browser) -> Reply:
        return await self.live.stream(await self.exchange(browser), self._making, lambda: self.count)

    async def _making(self, exchange: UiExchange) -> Shown:
        if self.refusal is not None:
            raise self.refusal
        self.made += 1
        return Shown(self.text, self.moving)


async def come(reply: Reply) -> str:
    """What comes next; empty at the end."""
    assert reply.parts is not None
    async with asyncio.timeout(5):
        return (await anext(reply.parts, b"")).decode()


async def test_a_stream_tells_what_changed_and_nothing_else(scene: Scene) -> None:
    watched, browser = Watched(scene), await person(scene, "rita")
    reply = await watched.open(browser)
    assert dict(reply.headers)["cache-control"] == "no-store"
    assert await come(reply) == "retry: 3000\n\nevent: part\ndata: first\n\n"
    watched.text, watched.count = "<tr>\r\nsecond\n</tr>", 1
    assert await come(reply) == "event: part\ndata: <tr>\ndata: second\ndata: </tr>\n\n"
    assert watched.made == 2
    assert await come(reply) == ":\n\n", "a line that says nothing, when nothing changed for long"
    assert watched.made == 3, "and it was looked once whether something changed that nobody counts"


async def test_what_moves_is_looked_at_each_time(scene: Scene) -> None:
    watched, browser = Watched(scene), await person(scene, "rita")
    watched.moving = True
    reply = await watched.open(browser)
    await come(reply)
    watched.text = "second"
    assert "second" in await come(reply)
    assert watched.count == 0


@pytest.mark.parametrize("ends", ["session", "rights", "account", "password"])
async def test_a_stream_ends_with_what_it_stands_on(scene: Scene, ends: str) -> None:
    watched, browser = Watched(scene), await person(scene, "rita")
    reply = await watched.open(browser)
    await come(reply)
    if ends == "session":
        await browser.get("/logout")
        await browser.submit("/logout")
    elif ends == "rights":
        watched.refusal, watched.count = Denied("no"), 1
    elif ends == "account":
        await scene.identity.accounts.remove("rita", scene.by())
    else:
        hashed = await scene.sign_in.hasher.hash(b"another phrase")
        await scene.identity.passwords.set("rita", hashed, must_change=True, by=scene.by())
    assert "event: over" in await come(reply)
    assert await come(reply) == ""


async def test_watching_makes_no_session_last_longer(scene: Scene) -> None:
    watched, browser = Watched(scene), await person(scene, "rita")
    reply = await watched.open(browser)
    await come(reply)
    for _ in range(30):
        scene.clock.forward(300)
        watched.text, watched.count = f"{watched.text}!", watched.count + 1
        told = await come(reply)
        if "event: over" in told:
            break
    assert "event: over" in told, "two hours without a click are the end of a session"


async def test_a_stream_ends_with_the_server_and_outlives_an_absence_of_the_catalog(scene: Scene) -> None:
    watched, browser = Watched(scene), await person(scene, "rita")
    reply = await watched.open(browser)
    await come(reply)
    watched.refusal, watched.count = Unavailable("the catalog is away"), 1
    coming = asyncio.ensure_future(come(reply))
    await asyncio.sleep(TICK * 3)
    watched.refusal, watched.text = None, "back"
    assert "back" in await coming
    watched.draining = True
    assert await come(reply) == ""


async def test_streams_are_bounded_for_each_account_and_for_all(scene: Scene) -> None:
    watched = Watched(scene)
    rita, ann = await person(scene, "rita"), await person(scene, "ann")
    mine = [await watched.open(rita) for _ in range(2)]
    with pytest.raises(TooManyRequests):
        await watched.open(rita)
    await watched.open(ann)
    with pytest.raises(TooManyRequests):
        await watched.open(ann)
    for reply in mine:
        reply.leave()
    assert watched.live.open == 1
    assert await come(await watched.open(rita))


async def test_what_may_not_be_seen_is_no_stream(scene: Scene) -> None:
    watched, browser = Watched(scene), await person(scene, "rita")
    watched.refusal = Denied("no")
    with pytest.raises(Denied):
        await watched.open(browser)
    assert watched.live.open == 0
