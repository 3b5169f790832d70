"""Two replicas change who may do what at the same time: one is told so, and nothing is left half done."""

import asyncio
from collections.abc import Awaitable, Iterator

import asyncpg
import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.adapters.sql.statements import POSTGRES
from orlop.domain.access import Grant, Place, PlaceKind
from orlop.domain.errors import Conflict, NotFound, RegistryError, SettingsMoved, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import ManifestPush, Terms
from orlop.ports.identity import AccountChange, Document, Namespace, Secret, Session
from tests.content import Pushable, blob, image
from tests.contract.cast import Cast
from tests.contract.scene import APP, V1, Scene
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.serving import unhurried

pytestmark = pytest.mark.slow

#: How often each race is run: whoever is first is another each time.
TURNS = range(5)


@pytest.fixture(name="url")
def _url(postgres: PostgresServer) -> str:
    return postgres.catalog()


@pytest.fixture(name="casts")
def _casts(url: str, runner: asyncio.Runner) -> Iterator[list[Cast]]:
    opened: list[OpenCatalog] = [open_postgres(Database(url), None, [0], 0, SURROUNDINGS) for _ in range(2)]
    casts = [Cast(each.catalog, each.identity) for each in opened]
    runner.run(casts[0].user("admin"))
    yield casts
    for each in opened:
        runner.run(each.engine.close())


async def raced(*racing: Awaitable[object]) -> list[type[object]]:
    """What came of each: the type of what it returned, or of the refusal that it met. Nothing else may come."""
    done = await asyncio.gather(*racing, return_exceptions=True)
    assert all(isinstance(each, RegistryError) for each in done if isinstance(each, BaseException)), done
    return [type(each) for each in done]


async def test_whatever_can_be_there_once_is_made_once(casts: list[Cast]) -> None:
    four = casts * 2
    for turn in TURNS:
        place = Place(PlaceKind.NAMESPACE, f"team{turn}")
        races: dict[str, list[Awaitable[object]]] = {
            "accounts": [cast.user(f"user{turn}") for cast in four],
            "people": [cast.user(f"p{turn}{n}", source="x", external=f"{turn}") for n, cast in enumerate(four)],
            "groups": [cast.group(f"group{turn}") for cast in four],
            "grants": [cast.grant("admin", place=place) for cast in four],
            "namespaces": [
                cast.identity.namespaces.put(Namespace(path=f"a{turn}/b"), cast.by(), expected=0) for cast in four
            ],
            "documents": [
                cast.identity.documents.put(Document("trust", f"{turn}", b""), cast.by(), expected=0) for cast in four
            ],
            "secrets": [cast.secret("admin", f"{turn}", kind=f"{turn}{n}") for n, cast in enumerate(four)],
            "sessions": [cast.session("admin", f"{turn}") for cast in four],
        }
        for name, race in races.items():
            assert (await raced(*race)).count(Conflict) == 3, name
    assert await Scene(casts[0].catalog).findings() == []


async def test_of_two_that_change_what_they_saw_one_has_to_look_again(casts: list[Cast]) -> None:
    await casts[0].document("trust", "ci")
    await casts[0].namespace("team")
    for turn in TURNS:
        account = await casts[0].identity.accounts.get("admin")
        document = await casts[0].identity.documents.get("trust", "ci")
        namespace = await casts[0].identity.namespaces.get("team")
        assert account is not None
        assert document is not None
        assert namespace is not None
        races: list[list[Awaitable[object]]] = [
            [
                cast.identity.accounts.change(
                    "admin", AccountChange(email=f"{turn}{n}"), cast.by(), expected=account.version
                )
                for n, cast in enumerate(casts)
            ],
            [
                cast.identity.documents.put(
                    Document("trust", "ci", b"%d%d" % (turn, n)), cast.by(), expected=document.version
                )
                for n, cast in enumerate(casts)
            ],
            [
                cast.identity.namespaces.put(
                    Namespace(path="team", description=f"{turn}{n}"), cast.by(), expected=namespace.version
                )
                for n, cast in enumerate(casts)
            ],
        ]
        for race in races:
            assert (await raced(*race)).count(Stale) == 1


async def test_nothing_is_given_to_who_goes_meanwhile(casts: list[Cast]) -> None:
    one, two = casts
    for turn in TURNS:
        name = f"user{turn}"
        await one.user(name)
        await one.group(f"group{turn}")
        await one.document("role", f"role{turn}", b'{"actions":["pull"]}')
        found = await raced(
            one.identity.accounts.remove(name, one.by()),
            one.identity.groups.remove(f"group{turn}", one.by()),
            one.identity.documents.remove("role", f"role{turn}", one.by()),
            two.grant(name),
            two.grant(f"group:group{turn}"),
            two.grant("admin", f"role{turn}"),
            two.secret(name, name),
            two.session(name, name),
            two.identity.members.set(f"group{turn}", add=[name, "admin"], by=two.by()),
        )
        assert set(found) <= {type(None), NotFound, Conflict, Grant, Secret, Session}
        assert found[:2] == [type(None), type(None)]
        assert await one.identity.accounts.get(name) is None
        assert await Scene(one.catalog).findings() == []


async def test_an_account_never_has_more_secrets_than_it_may(casts: list[Cast]) -> None:
    async def add(cast: Cast, turn: int, number: int) -> None:
        secret = Secret(account="admin", kind=f"kind{turn}", lookup=f"{turn}-{number}", hash="")
        await cast.identity.secrets.add(secret, cast.by(), at_most=2)

    for turn in TURNS:
        found = await raced(*(add(cast, turn, number) for number, cast in enumerate(casts * 2)))
        assert found.count(Conflict) == 2


async def test_replicas_that_want_a_key_get_the_same(casts: list[Cast]) -> None:
    for turn in TURNS:
        keys = [cast.key(f"{turn}{n}", active_at=10 * turn + 10) for n, cast in enumerate(casts * 2)]
        found = await asyncio.gather(
            *(
                cast.identity.keys.add(key, cast.by(), unless_newer_than=10 * turn)
                for cast, key in zip(casts * 2, keys, strict=True)
            )
        )
        assert len({frozenset(key.id for key in each) for each in found}) == 1
        assert len(found[0]) == turn + 1


async def test_providers_are_synchronised_beside_sign_ins(casts: list[Cast]) -> None:
    people = [f"user{number}" for number in range(4)]
    for name in people:
        await casts[0].user(name, source="ldap", external=name)
    for turn in TURNS:
        groups = {f"group{turn}": people, "all": people}
        found = await raced(
            *(cast.identity.external.synchronise("ldap", "", groups, [], cast.by()) for cast in casts),
            *(
                casts[place % 2].identity.external.of_account("ldap", name, list(groups), casts[0].by())
                for place, name in enumerate(people)
            ),
        )
        assert set(found) == {type(None)}
        kept = await casts[0].kept()
        assert kept.members[f"group{turn}"] == tuple(people)
    assert await Scene(casts[0].catalog).findings() == []


async def test_a_repository_goes_while_it_is_pushed_to(casts: list[Cast]) -> None:
    pushed = image("one", ["base", "code"])

    async def push(cast: Cast, number: int, name: RepositoryName) -> None:
        scene = Scene(cast.catalog, first=1 + 1000 * number)
        await scene.push(name, pushed, V1)
        await scene.hold(name, blob("more"))

    for turn in TURNS:
        name = RepositoryName(f"team/app{turn}")
        await push(casts[0], 10 * turn + 1, name)
        await raced(
            casts[0].catalog.repositories.remove(name, casts[0].by()),
            push(casts[1], 10 * turn + 2, name),
            casts[1].catalog.repositories.remove(name, casts[0].by()),
            push(casts[0], 10 * turn + 3, RepositoryName(f"team{turn}/app")),
            casts[0].identity.namespaces.remove(f"team{turn}", casts[0].by()),
        )
        assert await Scene(casts[0].catalog).findings() == []


async def test_a_change_of_who_may_do_what_is_seen_elsewhere_within_a_second(
    postgres: PostgresServer, runner: asyncio.Runner
) -> None:
    url = await asyncio.to_thread(postgres.catalog)
    here, there = (open_postgres(Database(url), None, [0], 0, SURROUNDINGS) for _ in range(2))
    here.start()
    async with asyncio.timeout(10):
        while here.access_changes.current() is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    cast = Cast(there.catalog, there.identity)
    for name in ("ann", "bob", "eve"):
        await asyncio.sleep(0.6)
        content, before = here.changes.current(), here.access_changes.current()
        assert before is not None
        await cast.user(name)
        async with asyncio.timeout(unhurried(1)):
            while here.access_changes.current() == before:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.6)
        assert here.changes.current() == content
    for each in (here, there):
        await each.engine.close()


async def test_no_setting_changes_between_the_look_at_it_and_the_end_of_a_write(casts: list[Cast], url: str) -> None:
    """A write holds the settings that its terms were made from until it is committed, and sees those that it waited
    for."""
    one, two = casts
    version = await one.identity.documents.version()
    database = await asyncpg.connect(url)
    async with database.transaction():
        await database.execute(f"SELECT orlop_settings_hold({version})")
        setting = asyncio.create_task(two.document("tag-rule", "late", b"{}"))
        assert await asyncio.wait({setting}, timeout=0.5) == (set(), {setting})
        assert await one.identity.documents.version() == version
    await setting
    with pytest.raises(asyncpg.PostgresError, match="settings moved"):
        await database.execute(f"SELECT orlop_settings_hold({version})")
    other = await asyncpg.connect(url)
    async with database.transaction():
        await database.execute(POSTGRES["settings_move"])
        held = asyncio.create_task(other.execute(f"SELECT orlop_settings_hold({version + 1})"))
        assert await asyncio.wait({held}, timeout=0.5) == (set(), {held})
    with pytest.raises(asyncpg.PostgresError, match="settings moved"):
        await held
    await other.execute(f"SELECT orlop_settings_hold({version + 2})")
    for each in (database, other):
        await each.close()


async def test_pushes_and_settings_get_on_beside_each_other(casts: list[Cast]) -> None:
    """Each push takes effect before both, or is told so; nobody waits for ever."""
    one, two = casts
    first = image("one", ["base"])
    await Scene(one.catalog).push(APP, first, V1)
    for turn in TURNS:
        version = await one.identity.documents.version()
        pushes = [
            cast.catalog.manifests.put(_tagged(first, f"t{turn}{n}", version), cast.by())
            for n, cast in enumerate(casts * 4)
        ]
        found = await raced(*pushes, two.document("tag-rule", f"rule{turn}"), one.document("role", f"role{turn}"))
        assert set(found[:8]) <= {bool, SettingsMoved}
        assert await one.identity.documents.version() == version + 2
        with pytest.raises(SettingsMoved):
            await two.catalog.manifests.put(_tagged(first, "late", version), two.by())


def _tagged(what: Pushable, tag: str, version: int) -> ManifestPush:
    """A push on terms that were made from the settings of a version."""
    return ManifestPush(APP, what.digest, what.content, what.manifest, (Tag(tag),), terms=Terms(settings=version))
