"""A kind of settings of a test's own: what it declares is on every face, and holds where it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from orlop.domain import kinds
from orlop.domain.access import Action
from orlop.domain.errors import Unavailable
from orlop.domain.settings import Holds, SettingKind, nobody
from orlop.faces.cli.management.reference import document
from orlop.ports.settings import Document
from orlop.services.settings.in_force import SettingsInForce
from tests.api.harness import REGISTRY, Api, namespace
from tests.api.serving import Served
from tests.api.test_commands import PASSWORD, Typed

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to be known of a place."""

    text: Annotated[str, Meta(max_length=20, description="What it says.")]
    loud: bool = False
    level: int = 1
    words: tuple[str, ...] = ()
    token: str = ""


NOTE = SettingKind(
    kind="sticky-note",
    plural="sticky-notes",
    text="Notes that stick to a place.",
    body=Note,
    speaks_for=nobody,
    read=Action.LIST,
    secrets=frozenset({"token"}),
    destination=lambda body: body.text,
)


async def _api() -> Api:
    api = Api(kinds=kinds.KINDS)
    await api.account("root", ("admin", REGISTRY))
    await api.account("ann", ("owner", namespace("team")))
    await api.account("eve", ("reader", namespace("team/app")))
    for name in ("root", "ann", "eve"):
        await api.password(name, PASSWORD)
    return api


@pytest.fixture
def orlop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.setitem(kinds.KINDS, NOTE.kind, NOTE)  # type: ignore[misc]
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    with Served(_api) as served:
        yield Typed(served, capsys, monkeypatch)


def test_it_has_commands_with_a_flag_for_each_plain_field(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("ann")
    made = orlop.json("sticky-note", "set", "hello", "--at", "team/", "--text", "hi", "--words", "a", "--words", "b")
    assert (made["name"], made["path"], made["version"]) == ("hello", "team", 1)
    assert made["body"] == {"text": "hi", "loud": False, "level": 1, "words": ["a", "b"], "token": ""}
    changed = orlop.json("sticky-note", "set", "hello", "--at", "team", "--loud", "--level", "7")
    assert changed["body"] == {"text": "hi", "loud": True, "level": 7, "words": ["a", "b"], "token": ""}
    (tmp_path / "note.yaml").write_text("text: from a file\ntoken: hunter22\n")
    whole = orlop.json("sticky-note", "set", "hello", "--at", "team/", "-f", "note.yaml")
    assert whole["body"] == {"text": "from a file", "loud": False, "level": 1, "words": [], "token": "(set)"}
    (tmp_path / "placed.yaml").write_text("kind: sticky-note\nat: team/\nname: hello\nbody: {text: placed}\n")
    assert orlop.json("sticky-note", "set", "hello", "-f", "placed.yaml")["path"] == "team"
    orlop("sticky-note", "set", "hello", "-f", "placed.yaml", "--at", "other/", code=2)
    assert "placed.yaml is about team/, and --at says other/" in orlop.errors
    assert [one["path"] for one in orlop.json("sticky-note", "ls")] == ["team"]
    orlop("sticky-note", "set", "hello", "--at", "team/", "-f", "note.yaml")
    assert json.loads(orlop("sticky-note", "show", "hello", "--at", "team/"))["token"] == "(set)"
    orlop("sticky-note", "set", "hello", "--at", "team/", "--loudd", code=2)
    orlop("sticky-note", "set", "other", "--at", "team/", code=2)
    orlop("sticky-note", "set", "hello", "--text", "not mine", code=1)
    assert "ann has no grant for" in orlop.errors
    orlop("sticky-note", "rm", "hello", "--at", "team/")
    assert orlop.json("sticky-note", "ls") == []


def test_it_is_seen_by_those_alone_who_may_at_its_place(orlop: Typed) -> None:
    orlop.login("root")
    for place in ("/", "team/", "team/app/", "other/"):
        orlop("sticky-note", "set", "n", "--at", place, "--text", place)
    assert [one["path"] for one in orlop.json("sticky-note", "ls")] == ["", "other", "team", "team/app"]
    assert [one["path"] for one in orlop.json("sticky-note", "ls", "--at", "team")] == ["team"]
    covering = orlop.json("sticky-note", "ls", "--covering", "team/app/web")
    assert [one["path"] for one in covering] == ["", "team", "team/app"]
    orlop.login("eve")
    assert [one["path"] for one in orlop.json("sticky-note", "ls")] == ["team/app"]
    orlop("sticky-note", "show", "n", "--at", "other/", code=1)
    orlop("sticky-note", "rm", "n", "--at", "team/app/", code=1)


def test_it_is_written_in_files_and_its_changes_are_on_record(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    orlop("sticky-note", "set", "n", "--at", "team/", "--text", "one", "--level", "3")
    orlop("export", "files")
    written = (tmp_path / "files" / "sticky-notes.yaml").read_text()
    assert "kind: sticky-note\nat: team/\nname: n\n" in written
    assert "nothing to do" in orlop("apply", "-f", "files", "--dry-run")
    (tmp_path / "files" / "sticky-notes.yaml").write_text(written.replace("level: 3", "level: 4"))
    assert "~ change sticky-note team/ n" in orlop("apply", "-f", "files", "--yes")
    assert orlop.json("sticky-note", "ls")[0]["body"]["level"] == 4
    (tmp_path / "files" / "sticky-notes.yaml").write_text("kind: sticky-note\nname: m\nbody: {text: x}\n")
    assert "- delete sticky-note team/ n" in orlop("apply", "-f", "files", "--yes", "--prune")
    assert [(one["path"], one["name"]) for one in orlop.json("sticky-note", "ls")] == [("", "m")]
    events = orlop.served.do(orlop.served.api.catalog.catalog.outbox.events(0, 100))
    told = [(event.kind.value, event.repository, event.subject) for event in events if "sticky" in event.subject]
    assert told == [
        ("document.changed", "team", "sticky-note n"),
        ("document.changed", "team", "sticky-note n"),
        ("document.changed", "", "sticky-note m"),
        ("document.deleted", "team", "sticky-note n"),
    ]


def test_it_is_described_with_its_type(orlop: Typed) -> None:
    described = json.loads(orlop.served.do(orlop.served.api.ask("GET", "/openapi.json")).body)
    body = described["paths"]["/api/v1/sticky-notes/{name}"]["put"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Note"}
    assert described["components"]["schemas"]["Note"]["properties"]["text"]["description"] == "What it says."
    parameters = described["paths"]["/api/v1/sticky-notes/{name}"]["get"]["parameters"]
    assert {"path", "name"} == {one["name"] for one in parameters}
    trusts = described["paths"]["/api/v1/trusts/{name}"]["get"]["parameters"]
    assert {one["name"] for one in trusts} == {"name"}, "what has no place has no path"
    assert "## sticky-note" in document()


def test_those_that_are_built_in_are_listed_first_and_stay(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    built_in = ["guest", "reader", "publisher", "maintainer", "owner", "auditor", "admin"]
    made = orlop.json("role", "set", "zeal", "pull", "list", "pull", "--description", "pulls")
    assert made == {
        "name": "zeal",
        "actions": ["list", "pull"],
        "description": "pulls",
        "builtin": False,
        "version": 1,
    }
    orlop("role", "set", "able", "list")
    assert json.loads(orlop("role", "show", "guest"))["actions"] == ["pull"]
    assert json.loads(orlop("role", "show", "zeal")) == {"actions": ["list", "pull"], "description": "pulls"}
    orlop.login("eve")
    assert [role["name"] for role in orlop.json("role", "ls")] == [*built_in, "able", "zeal"]
    for size in (1, 2, 7, 8):
        found, target = [], f"/roles?n={size}"
        while target:
            answer = orlop.served.do(orlop.served.api.ask("GET", target, "eve"))
            assert len(answer.json()) <= size
            found += [role["name"] for role in answer.json()]
            target = answer.header("link").partition(">")[0].removeprefix("</api/v1")
        assert found == [*built_in, "able", "zeal"], (
            "a page of a list goes on from those that are built in to the others"
        )
    orlop.login("root")
    for command in (("set", "guest", "list"), ("rm", "guest")):
        orlop("role", *command, code=1)
        assert orlop.errors == "orlop: the role guest is built in, and stays as it is; choose another name\n"
    orlop("export", "files")
    assert (tmp_path / "files" / "roles.yaml").read_text() == (
        "kind: role\nname: able\nactions:\n- list\ndescription: ''\n---\n"
        "kind: role\nname: zeal\nactions:\n- list\n- pull\ndescription: pulls\n"
    )
    (tmp_path / "role.yaml").write_text("kind: role\nname: zeal\nactions: [tag]\n")
    assert orlop.json("role", "set", "zeal", "-f", "role.yaml")["actions"] == ["tag"]
    (tmp_path / "role.yaml").write_text("kind: role\nname: zeal\nbody: {actions: [untag], description: same}\n")
    assert "~ change role      zeal" in orlop("apply", "-f", "role.yaml", "--yes")
    (tmp_path / "role.yaml").write_text("kind: role\nname: zeal\nactoins: [untag]\n")
    orlop("apply", "-f", "role.yaml", code=2)
    assert "there is no field actoins; the nearest known one is actions" in orlop.errors
    orlop("role", "rm", "zeal")


async def test_what_holds_is_remembered_until_a_setting_changes_and_never_longer() -> None:
    api = await _api()
    documents = api.identity.documents
    settings = SettingsInForce(documents, api.catalog.settings_changes)

    async def put(path: str, name: str, text: str) -> None:
        body = msgspec.json.encode(Note(text))
        await documents.put(Document(NOTE.kind, name, body, path=path), api.by, rights=False)

    async def found(kind: SettingKind, path: str) -> list[str]:
        return [one.body.text for one in await settings.covering(kind, path)]

    everywhere = msgspec.structs.replace(NOTE, holds=Holds.ALL, kind=NOTE.kind)
    assert await found(NOTE, "team/app") == []
    await put("", "a", "root")
    assert await found(NOTE, "team/app") == ["root"]
    await put("team", "a", "team a")
    await put("team", "b", "team b")
    await put("team-b", "a", "another's")
    assert await found(NOTE, "team/app") == ["team a", "team b"]
    assert await found(NOTE, "elsewhere") == ["root"]
    await documents.remove(NOTE.kind, "a", api.by, path="team", rights=False)
    assert await found(NOTE, "team/app") == ["team b"]
    whole = SettingsInForce(documents, api.catalog.settings_changes)
    (once, *_), (again, *_) = [await whole.covering(everywhere, path) for path in ("team/app", "team/other")]
    assert once.body is again.body, "what holds at many places is there once"
    assert [one.body.text for one in await whole.covering(everywhere, "team/app")] == ["root", "team b"]
    await documents.put(Document(NOTE.kind, "z", b'{"later": 1}', path="team"), api.by, rights=False)
    with pytest.raises(Unavailable, match="the sticky-note z of team/ cannot be read by this release"):
        await settings.covering(NOTE, "team/app")
    api.close()


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == document(), "run `make docs`"


def test_each_kind_is_called_once() -> None:
    assert len({kind.plural for kind in kinds.KINDS.values()}) == len(kinds.KINDS)
    assert all(kind.kind == name for name, kind in kinds.KINDS.items())


def test_secrets_without_a_destination_are_no_kind() -> None:
    with pytest.raises(TypeError, match="say where the secrets of a note go"):
        SettingKind(
            kind="note", plural="notes", text="Notes.", body=Note, speaks_for=nobody, secrets=frozenset({"token"})
        )
