"""A real directory server: who signs in, who does not, and what happens when it is away, false, or has changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.adapters.identity.ldap import LdapDirectory
from orlop.adapters.identity.ldap_connection import Servers
from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.domain.errors import Unavailable
from orlop.domain.events import Event, EventKind
from orlop.domain.identity.directories import LdapProvider
from orlop.domain.identity.providers import PROVIDER
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Document
from orlop.services.identity.directories import Directories
from tests import slapd as directory_server
from tests.registry import HandClock
from tests.servers import free_port
from tests.slapd import ADMIN, ADMIN_PASSWORD, CROWD, GROUPS, PEOPLE, Slapd, dn, group_dn, password_of, slapd

pytestmark = pytest.mark.slow

BY = By("admin", 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """A directory that no test changes."""
    with slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Slapd]:
    """A directory of the test's own."""
    with slapd(tmp_path) as server:
        yield server


def provider(server: Slapd, **changes: Any) -> LdapProvider:
    """The directory as its administrators describe it."""
    usual: dict[str, Any] = {
        "servers": (server.plain,),
        "ca": str(server.ca),
        "bind_dn": ADMIN,
        "bind_password": ADMIN_PASSWORD,
        "user_base": PEOPLE,
        "group_base": GROUPS,
        "groups": {"*": "corp-*"},
        "timeout": 5,
    }
    return LdapProvider(**usual | changes)


@pytest.fixture
def open_directory() -> Iterator[Any]:
    """Opens directories that the test does not have to close."""
    opened: list[LdapDirectory] = []

    def opening(server: Slapd, **changes: Any) -> LdapDirectory:
        described = provider(server, **changes)
        opened.append(LdapDirectory("corp", described, described.bind_password))
        return opened[-1]

    yield opening
    for directory in opened:
        directory.close()


# --- Trying it out --------------------------------------------------------------------------------------------------


async def test_a_directory_is_tried_out(server: Slapd, open_directory: Any) -> None:
    answers, finds = await open_directory(server).trial()
    assert answers == f"{server.plain} answers, and lets {ADMIN} search"
    assert finds == f"the search below {PEOPLE} finds people, with what identifies them"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bind_password": "wrong"}, f"lets {ADMIN} search"),
        ({"servers": ("ldap://127.0.0.1:1",)}, "no server of it lets"),
        ({"user_filter": "(&(objectClass=person)(uid=nobody-{name}))"}, "finds nobody"),
        ({"user_id": "employeeNumber"}, "not what identifies them"),
    ],
)
async def test_what_does_not_work_is_said(
    server: Slapd, open_directory: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unavailable, match=said) as refused:
        await open_directory(server, **changes).trial()
    assert ADMIN_PASSWORD not in refused.value.message


# --- Signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["StartTLS", "LDAPS"])
async def test_somebody_signs_in(server: Slapd, open_directory: Any, way: str) -> None:
    directory = open_directory(server, servers=(server.plain if way == "StartTLS" else server.secure,))
    found = await directory.verify("ada", password_of("ada"))
    assert (found.name, found.display, found.email) == ("ada", "Ada", "ada@example.test")
    assert found.source == "corp"
    assert len(found.external) == 36
    assert found.groups == ("corp-backend", "corp-engineering", "corp-staff")


async def test_groups_that_contain_each_other_have_an_end(server: Slapd, open_directory: Any) -> None:
    assert (await open_directory(server).verify("edsger", password_of("edsger"))).groups == ("corp-left", "corp-right")


async def test_groups_are_called_what_the_rules_say_and_others_are_nothing(server: Slapd, open_directory: Any) -> None:
    rules = {"Backend": "developers", group_dn("STAFF").upper(): "everybody"}
    found = await open_directory(server, groups=rules).verify("ada", password_of("ada"))
    assert found.groups == ("developers", "everybody")


async def test_a_directory_without_groups_says_nothing_of_them(server: Slapd, open_directory: Any) -> None:
    assert (await open_directory(server, group_base="", groups={}).verify("ada", password_of("ada"))).groups is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("ada", ""),
        ("ada", "\0"),
        ("ada", password_of("ada") + "\0"),
        ("ada", password_of("grace")),
        ("ada", "x" * 5_000),
        ("nobody", "anything"),
        ("nobody", ""),
        ("", password_of("ada")),
        ("*", password_of("ada")),
        ("ad*", password_of("ada")),
        ("ada)(uid=*", password_of("ada")),
        ("ada)(|(uid=*", password_of("ada")),
        ("*)(uid=ada", password_of("ada")),
        ("ada)(!(uid=x", password_of("ada")),
        ("ada\0", password_of("ada")),
        ("ada\\00", password_of("ada")),
        ("ada\\2a", password_of("ada")),
        ("(uid=ada)", password_of("ada")),
        ("uid=ada", password_of("ada")),
        (dn("ada"), password_of("ada")),
        ("ada,ou=people", password_of("ada")),
        (ADMIN, ADMIN_PASSWORD),
        ("admin", ADMIN_PASSWORD),
        ("a" * 5_000, "anything"),
        ("\ud800", "anything"),
        ("ada", "\ud800"),
        ("äda", password_of("ada")),
    ],
)
async def test_nobody_signs_in_by_a_wrong_password_or_by_what_looks_like_a_filter(
    server: Slapd, open_directory: Any, name: str, password: str
) -> None:
    assert await open_directory(server).verify(name, password) is None


async def test_a_name_that_several_people_have_is_nobodys(server: Slapd, open_directory: Any) -> None:
    either = open_directory(server, user_filter="(|(uid={name})(uid=grace))")
    assert await either.verify("ada", password_of("ada")) is None
    assert await either.verify("grace", password_of("grace")) is not None


async def test_a_missing_person_costs_what_a_wrong_password_costs(
    server: Slapd, open_directory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    accepts = Servers.accepts

    def counted(self: Servers, where: str, who: str, password: str) -> bool:
        tried.append(who)
        return accepts(self, where, who, password)

    monkeypatch.setattr(Servers, "accepts", counted)
    directory = open_directory(server)
    for name in ("ada", "nobody"):
        assert await directory.verify(name, "wrong") is None
    assert len(tried) == 2


# --- Servers that are away, or false --------------------------------------------------------------------------------


async def test_the_next_server_is_asked_when_one_is_away(server: Slapd, open_directory: Any) -> None:
    directory = open_directory(server, servers=(f"ldap://127.0.0.1:{free_port()}", server.plain))
    assert await directory.verify("ada", password_of("ada")) is not None
    assert await directory.verify("ada", "wrong") is None


async def test_nobody_signs_in_while_no_server_answers(server: Slapd, open_directory: Any) -> None:
    directory = open_directory(server, servers=(f"ldap://127.0.0.1:{free_port()}", f"ldaps://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable):
        await directory.verify("ada", password_of("ada"))
    with pytest.raises(Unavailable):
        await directory.state()


async def test_a_server_with_a_certificate_for_another_name_is_told_no_password(
    tmp_path: Path, open_directory: Any
) -> None:
    with slapd(tmp_path, certificate_for="ldap.example.test") as impostor:
        for address in (impostor.plain, impostor.secure):
            with pytest.raises(Unavailable):
                await open_directory(impostor, servers=(address,)).verify("ada", password_of("ada"))


async def test_a_server_that_nobody_vouches_for_is_told_no_password(server: Slapd, open_directory: Any) -> None:
    for address in (server.plain, server.secure):
        with pytest.raises(Unavailable):
            await open_directory(server, servers=(address,), ca="").verify("ada", password_of("ada"))


async def test_who_searches_must_be_let_in(server: Slapd, open_directory: Any) -> None:
    with pytest.raises(Unavailable):
        await open_directory(server, bind_password="wrong").verify("ada", password_of("ada"))


async def test_a_search_below_what_is_not_there_finds_nobody_and_says_so(server: Slapd, open_directory: Any) -> None:
    with pytest.raises(Unavailable, match="noSuchObject"):
        await open_directory(server, user_base="ou=nowhere,dc=example,dc=test").state()


# --- Everybody ------------------------------------------------------------------------------------------------------


async def test_everybody_and_every_group_is_seen(server: Slapd, open_directory: Any) -> None:
    directory = open_directory(server)
    state = await directory.state()
    assert len(state.people) == CROWD + 3
    assert {name: len(people) for name, people in state.groups.items()} == {
        "corp-backend": 2,
        "corp-engineering": 3,
        "corp-staff": CROWD + 2,
        "corp-left": 2,
        "corp-right": 2,
    }
    for name in ("ada", "grace", "edsger", "user0001", "user0999"):
        one = await directory.verify(name, password_of(name))
        assert set(one.groups) == {group for group, people in state.groups.items() if one.external in people}


async def test_groups_may_list_names(tmp_path: Path, open_directory: Any) -> None:
    entries = directory_server.company() + "".join(
        f"dn: cn={name},{GROUPS}\nobjectClass: posixGroup\ncn: {name}\ngidNumber: {number}\n"
        + "".join(f"memberUid: {member}\n" for member in members)
        + "\n"
        for number, (name, members) in enumerate({"wheel": ("ada", "edsger"), "games": ("grace", "gone")}.items())
    )
    with slapd(tmp_path, entries) as server:
        directory = open_directory(server, group_filter="(objectClass=posixGroup)", group_member="memberUid")
        ada, grace = [await directory.verify(name, password_of(name)) for name in ("ada", "grace")]
        assert (ada.groups, grace.groups) == (("corp-wheel",), ("corp-games",))
        state = await directory.state()
        assert {name: len(people) for name, people in state.groups.items()} == {"corp-wheel": 2, "corp-games": 1}


class Registry:
    """Accounts in memory, and the directories that vouch for some of them."""

    def __init__(self, described: LdapProvider) -> None:
        self.rows: OpenCatalog = open_memory()
        self.identity = self.rows.identity
        self.opened: list[LdapDirectory] = []
        self.lacking = ""
        """What this machine lacks to open a directory."""
        self._described = described
        self.directories = Directories(
            self.identity.documents, self.identity.external, self.rows.access_changes, HandClock(), self._opening
        )

    def _opening(self, source: str, described: LdapProvider) -> LdapDirectory:
        if self.lacking:
            raise Unavailable(self.lacking)
        self.opened.append(LdapDirectory(source, described, described.bind_password))
        return self.opened[-1]

    async def describe(self, described: LdapProvider) -> None:
        """Write down what the directory is."""
        document = Document(PROVIDER, "corp", msgspec.json.encode(described))
        await self.identity.documents.put(document, BY)

    async def sign_in(self, *names: str) -> None:
        """Each of them signs in for the first time."""
        for name in names:
            found = await self.directories.verify(name, password_of(name))
            assert found is not None
            account = Account(name=found.name, source=found.source, external=found.external)
            await self.identity.accounts.add(account, BY)
            await self.identity.external.of_account("corp", found.name, found.groups or (), BY)

    async def standing(self, name: str) -> tuple[bool, tuple[str, ...]]:
        """Whether somebody may sign in, and their groups."""
        account = await self.identity.accounts.get(name)
        assert account is not None
        return not account.disabled, await self.identity.members.of_account(name)

    async def events(self) -> tuple[Event, ...]:
        """All that happened."""
        return await self.rows.catalog.outbox.events(0, 1_000)

    def close(self) -> None:
        """End what was opened."""
        for directory in self.opened:
            directory.close()


async def test_who_leaves_the_company_loses_all_rights_without_signing_in(changing: Slapd) -> None:
    registry = Registry(provider(changing))
    await registry.describe(provider(changing))
    await registry.sign_in("ada", "grace", "edsger")
    local = await registry.identity.accounts.add(Account(name="local"), BY)
    assert await registry.standing("ada") == (True, ("corp-backend", "corp-engineering", "corp-staff"))

    with changing.administrator() as administrator:
        assert administrator.delete(dn("ada"))
        assert administrator.modify(group_dn("engineering"), {"member": [("MODIFY_DELETE", [dn("grace")])]})
        assert administrator.modify(group_dn("backend"), {"member": [("MODIFY_ADD", [dn("edsger")])]})
    await registry.directories.synchronise()

    assert await registry.standing("ada") == (False, ())
    assert await registry.standing("grace") == (True, ("corp-left", "corp-right"))
    grown = ("corp-backend", "corp-engineering", "corp-left", "corp-right", "corp-staff")
    assert await registry.standing("edsger") == (True, grown)
    assert await registry.identity.accounts.get("local") == local

    count, events = registry.rows.access_changes.current(), await registry.events()
    await registry.directories.synchronise()
    assert registry.rows.access_changes.current() == count, "what is as it was moves nothing"
    assert await registry.events() == events
    registry.close()


async def test_who_comes_back_is_let_in_again(changing: Slapd) -> None:
    registry = Registry(provider(changing))
    only_grace = provider(changing, user_filter="(&(objectClass=inetOrgPerson)(uid={name})(sn=grace))")
    await registry.describe(provider(changing))
    await registry.sign_in("ada", "grace")
    await registry.describe(only_grace)
    await registry.directories.synchronise()
    assert [(await registry.standing(name))[0] for name in ("ada", "grace")] == [False, True]
    await registry.describe(provider(changing))
    await registry.directories.synchronise()
    assert [(await registry.standing(name))[0] for name in ("ada", "grace")] == [True, True]
    kinds = [event.kind for event in await registry.events() if event.subject == "ada"]
    assert kinds.count(EventKind.ACCOUNT_CHANGED) == 2
    registry.close()


async def test_a_directory_that_is_away_or_shows_nobody_disables_nobody(changing: Slapd) -> None:
    registry = Registry(provider(changing))
    await registry.describe(provider(changing))
    await registry.sign_in("ada", "grace")
    await registry.describe(provider(changing, user_filter="(&(objectClass=inetOrgPerson)(uid={name})(sn=none))"))
    assert "nobody at all" in await registry.directories.synchronise()
    await registry.describe(provider(changing))
    changing.stop()
    assert "can be asked" in await registry.directories.synchronise()
    assert [(await registry.standing(name))[0] for name in ("ada", "grace")] == [True, True]
    registry.close()


async def test_a_directory_that_cannot_be_used_is_no_wrong_password_and_is_tried_again(changing: Slapd) -> None:
    registry = Registry(provider(changing))
    await registry.describe(provider(changing))
    registry.lacking = "the file secret cannot be read"
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"the directory corp cannot be used; .* the log says why"):
            await registry.directories.verify("ada", password_of("ada"))
    assert await registry.directories.synchronise() == "corp: the file secret cannot be read"
    registry.lacking = ""
    await registry.sign_in("ada")
    registry.close()
