"""The commands as they are typed, against an API behind a socket."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.bootstrap.commands.advisories import AdvisoryFiles
from orlop.bootstrap.commands.clients import ManagementServers
from orlop.bootstrap.commands.logins import Tools
from orlop.bootstrap.commands.vex import VexFiles
from orlop.faces.cli import app, management
from orlop.faces.cli.content import licences, vulnerabilities
from orlop.faces.cli.jobs import commands as jobs
from orlop.ports.settings import Document
from orlop.services.following.known import WEBHOOKS
from tests.api.harness import REGISTRY, Api, namespace
from tests.api.serving import Served
from tests.catalogs import rows

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"


async def _small() -> Api:
    """`root` rules and `ann` owns `team`; both have a password."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    await api.account("ann", ("owner", namespace("team")))
    for name in ("root", "ann"):
        await api.password(name, PASSWORD)
    return api


class Typed:
    """Types commands, and gives what they print."""

    def __init__(self, served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.served = served
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self._root = app.build()
        management.register(self._root, ManagementServers(), Tools(), AdvisoryFiles(), VexFiles())
        vulnerabilities.register(self._root, ManagementServers())
        licences.register(self._root, ManagementServers())
        jobs.register(self._root, ManagementServers())
        self.errors = ""

    def __call__(self, *arguments: str, given: str = "", code: int = 0) -> str:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(given))
        ended = app.invoke(self._root, arguments)
        captured = self._capsys.readouterr()
        self.errors = captured.err
        assert ended == code, (ended, captured)
        return captured.out

    def json(self, *arguments: str, given: str = "") -> Any:
        return json.loads(self(*arguments, "--json", given=given))

    def login(self, name: str) -> None:
        self("login", self.served.url, "--user", name, "--password-stdin", given=f"{PASSWORD}\n")


@pytest.fixture
def orlop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    with Served(_small) as served:
        yield Typed(served, capsys, monkeypatch)


def test_login_keeps_a_token_and_logout_ends_it(orlop: Typed, tmp_path: Path) -> None:
    assert "signed in" in orlop("login", orlop.served.url, "-u", "root", "--password-stdin", given=f"{PASSWORD}\n")
    kept = tmp_path / "config" / "orlop" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in kept.read_text()
    [_, token] = orlop.json("token", "ls")
    assert token["name"].startswith("orlop login on ")
    assert token["expires_at"] is not None
    orlop("logout")
    assert json.loads(kept.read_text()) == {"sign_ins": []}
    orlop("user", "ls", code=2)
    assert "nobody is signed in; run orlop login" in orlop.errors
    [row] = orlop.served.do(orlop.served.api.identity.secrets.of("root", _page())).items
    assert row.name == "", "the token of the login is revoked"


def _page() -> Any:
    from orlop.domain.pages import PageRequest

    return PageRequest()


@pytest.mark.parametrize("given", ["wrong password\n", "\n", ""])
def test_a_wrong_password_signs_nobody_in(orlop: Typed, given: str) -> None:
    orlop("login", orlop.served.url, "-u", "root", "--password-stdin", given=given, code=1 if given.strip() else 2)
    orlop("user", "ls", code=2)


def test_what_others_can_read_is_not_used(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    (tmp_path / "config" / "orlop" / "credentials.json").chmod(0o644)
    orlop("user", "ls", code=1)
    assert "can be read by others" in orlop.errors


def test_passwords_are_no_arguments(orlop: Typed) -> None:
    orlop.login("root")
    orlop("user", "add", "new", code=2)
    assert "--password-stdin" in orlop.errors
    orlop("user", "add", "new", "--password", "secret", code=2)


def test_what_needs_somebody_and_how_the_server_fares(orlop: Typed) -> None:
    orlop.login("root")
    assert [each for each in orlop.json("attention") if each["kind"] != "token"] == []
    document = Document("webhook", "a", b'{"url": "https://127.0.0.1:9/x", "events": ["tag.*"]}', path="team")
    there = orlop.served.do(orlop.served.api.identity.documents.put(document, orlop.served.api.by))
    fares_so = (there.identity, 2, 1, 0, 0, "it is away")
    rows(orlop.served.api.catalog, "INSERT INTO webhook_health VALUES (?, ?, ?, ?, ?, ?)", *fares_so)
    assert "the webhook a of team/ fails: it is away" in orlop("attention")
    fares = orlop.json("health")
    assert [each["says"] for each in fares["stores"]] == ["ok", "ok"]
    assert (fares["jobs_failed"], fares["requests"]) == (0, None)
    assert "0 run, 0 wait, 0 failed" in orlop("health")
    orlop.login("ann")
    orlop("health", code=1)


def test_users_from_first_to_last(orlop: Typed) -> None:
    orlop.login("root")
    made = orlop.json("user", "add", "new", "--display", "Nina", "--password-stdin", given=f"{PASSWORD}\n")
    assert (made["name"], made["must_change"]) == ("new", True)
    assert [user["name"] for user in orlop.json("user", "ls")] == ["ann", "new", "root"]
    assert "Nina" in orlop("user", "ls")
    orlop("user", "disable", "new", "--reason", "left")
    assert orlop.json("user", "show", "new")["disabled"] == "left"
    orlop("user", "enable", "new")
    assert orlop.json("user", "show", "new")["disabled"] is None
    orlop("user", "passwd", "new", "--keep", "--password-stdin", given="another horse staple\n")
    assert orlop.json("user", "show", "new")["must_change"] is False
    orlop("user", "rm", "new")
    orlop("user", "show", "new", code=1)
    assert "there is no user new" in orlop.errors


def test_robots_from_first_to_last(orlop: Typed) -> None:
    orlop.login("ann")
    orlop("robot", "add", "ci", "--namespace", "team", "--action", "pull", "--on", "team/", "--secret-expires", "30d")
    shown = orlop.json("robot", "show", "ci")
    assert shown["secrets"][0]["limits"] == [{"actions": ["pull"], "place": {"kind": "namespace", "path": "team"}}]
    printed = orlop("robot", "rotate", "ci").split()
    assert printed[0] == "robot+ci"
    assert printed[1].startswith("orlop_rbt_")
    first, second = orlop.json("robot", "show", "robot+ci")["secrets"]
    assert first["limits"] == second["limits"]
    orlop("robot", "revoke", "ci", str(first["id"]))
    assert "robot+ci" in orlop("robot", "ls", "--namespace", "team")
    orlop("robot", "rm", "ci")
    orlop("robot", "add", "ci", "--namespace", "other", code=1)


def test_tokens_from_first_to_last(orlop: Typed) -> None:
    orlop.login("ann")
    text = orlop("token", "create", "laptop", "--action", "pull", "--on", "team/*", "--expires", "12h").strip()
    assert text.startswith("orlop_pat_")
    made = next(token for token in orlop.json("token", "ls") if token["name"] == "laptop")
    assert made["limits"][0]["place"] == {"kind": "repositories", "path": "team/*"}
    orlop("token", "rm", str(made["id"]))
    orlop("token", "create", "--action", "pull", code=2)
    orlop("token", "create", "--expires", "soon", code=2)
    orlop("token", "create", "--expires", "never", code=1)
    assert "cannot outlive" in orlop.errors


def test_groups_and_grants(orlop: Typed) -> None:
    orlop.login("root")
    orlop("group", "add", "staff", "--description", "all")
    assert orlop("group", "members", "staff", "--add", "ann").split() == ["MEMBER", "ann"]
    given = orlop.json("grant", "add", "group:staff", "reader", "team/", "--expires", "90d", "--network", "10.0.0.0/8")
    assert given["conditions"]["networks"] == ["10.0.0.0/8"]
    assert [grant["id"] for grant in orlop.json("grant", "ls", "--on", "team/", "--principal", "group:staff")] == [
        given["id"]
    ]
    denied = orlop.json("grant", "add", "ann", "publisher", "team/prod-*", "--deny", "--tags", "v*")
    assert denied["effect"] == "deny"
    orlop("grant", "rm", str(given["id"]))
    assert orlop("group", "members", "staff", "--remove", "ann").split() == ["MEMBER"]
    orlop("group", "rm", "staff")
    orlop.login("ann")
    orlop("grant", "add", "ann", "reader", "/", code=1)


def test_roles_namespaces_and_keys(orlop: Typed) -> None:
    orlop.login("root")
    orlop("role", "set", "puller", "pull", "list", "--description", "pulls")
    assert orlop.json("role", "set", "puller", "pull")["version"] == 2
    assert "built in" in orlop("role", "ls").lower()
    orlop("role", "rm", "puller")
    assert orlop.json("namespace", "set", "team/web", "--visibility", "public")["visibility"] == "public"
    assert orlop.json("namespace", "set", "team/web", "--description", "site")["visibility"] == "public"
    assert orlop.json("namespace", "set", "team/web", "--visibility", "inherit")["visibility"] is None
    assert orlop.json("namespace", "set", "/", "--visibility", "internal")["path"] == ""
    assert "team/web" in orlop("namespace", "ls", "team")
    orlop("namespace", "rm", "team/web")
    before = orlop.json("key", "ls")
    orlop("key", "rotate")
    assert len(orlop.json("key", "ls")) == len(before) + 1
    assert orlop.json("session", "ls") == []
    orlop("session", "end", "--user", "ann")
    orlop("session", "end", code=2)


def test_why_and_who(orlop: Typed) -> None:
    orlop.login("ann")
    said = orlop("access", "explain", "ann", "overwrite", "team/app:v1")
    assert said.startswith("ann may overwrite on team/app:v1: grant ")
    orlop.login("root")
    said = orlop("access", "explain", "ann", "pull", "other/app")
    assert "ann may not pull on other/app" in said
    assert "other/app is not in team/" in said
    assert "to change it: grant ann the role guest on other/app" in said
    assert orlop.json("access", "explain", "anonymous", "pull", "team/app")["allowed"] is False
    said = orlop("access", "who", "team/app")
    assert [line.split()[0] for line in said.splitlines()] == ["WHO", "ann", "root", "the"]
    orlop("access", "explain", "ann", "fly", "team/app", code=1)


def test_what_cannot_be_reached_is_said_in_one_sentence(orlop: Typed) -> None:
    orlop("login", "127.0.0.1:1", "-u", "root", "--password-stdin", given="x\n", code=1)
    assert "cannot be reached" in orlop.errors
    orlop("login", "not a host", "-u", "root", "--password-stdin", given="x\n", code=2)
    orlop("login", "ftp://host", "-u", "root", "--password-stdin", given="x\n", code=2)


FILES = """\
kind: role
name: puller
actions: [pull, list]
---
kind: user
name: nina
display: Nina
---
kind: robot
name: robot+ci
namespace: team
---
kind: group
name: staff
members: [nina, ann]
---
kind: namespace
path: team
visibility: internal
---
kind: grant
principal: group:staff
role: puller
place: {kind: namespace, path: team}
expires_at: 2100-01-01T00:00:00Z
"""


def test_apply_shows_does_and_has_nothing_more_to_do(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    file = tmp_path / "all.yaml"
    file.write_text(FILES)
    shown = orlop("apply", "-f", str(file), code=1)
    assert "6 to create, 0 to change, 0 to delete" in shown
    assert "nothing was done" in orlop.errors
    assert [user["name"] for user in orlop.json("user", "ls")] == ["ann", "root"]
    orlop("apply", "-f", str(file), "--yes")
    assert "nothing to do" in orlop("apply", "-f", str(file))
    orlop("apply", "-f", str(file), "--dry-run")
    orlop("user", "disable", "nina")
    steps = orlop("apply", "-f", str(file), "--dry-run", "--json", code=1)
    assert [(step["verb"], step["kind"]) for step in json.loads(steps) if step["verb"] != "drift"] == [
        ("change", "user")
    ]
    orlop("apply", "-f", str(file), "--yes")
    assert orlop.json("user", "show", "nina")["disabled"] is None


def test_apply_prunes_only_when_it_is_told_to(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    file = tmp_path / "all.yaml"
    file.write_text(FILES)
    orlop("apply", "-f", str(file), "--yes")
    file.write_text("kind: user\nname: nina\ndisplay: Nina\n")
    assert "! drift  user      ann" in orlop("apply", "-f", str(file))
    orlop("apply", "-f", str(file), "--prune", "--yes")
    assert [user["name"] for user in orlop.json("user", "ls")] == ["nina", "root"], "not oneself"
    assert orlop.json("group", "ls"), "a kind that no file has is left alone"


def test_an_export_is_what_there_is(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    file = tmp_path / "all.yaml"
    file.write_text(FILES)
    orlop("apply", "-f", str(file), "--yes")
    orlop("export", str(tmp_path / "out"))
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "grants.yaml",
        "groups.yaml",
        "namespaces.yaml",
        "robots.yaml",
        "roles.yaml",
        "users.yaml",
    ]
    assert orlop.json("apply", "-f", str(tmp_path / "out"), "--prune") == []
    orlop("export", str(tmp_path / "out"), code=2)
    assert orlop.json("apply", "-f", "-", "--prune", given=orlop("export")) == []
    orlop.login("ann")
    assert orlop.json("apply", "-f", "-", "--prune", given=orlop("export")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: usr\nname: x\n", "there is no kind usr; the nearest known one is user"),
        ("kind: user\nname: x\nemial: y\n", "there is no field emial; the nearest known one is email"),
        ("kind: grant\nprincipal: x\nrole: reader\nplace: {kind: namespace, pth: team}\n", "nearest known one is path"),
        ("kind: user\n", "missing required field `name`"),
        ("kind: user\nname: x\n---\nkind: user\nname: x\n", "is there more than once"),
        ("kind: user\nname: x\nexpires_at: 2030-01-31\n", "expires_at"),
        ("kind: user\nname: x\nexpires_at: 2030-01-31T00:00:00\n", "needs its zone"),
        ("- user\n", "no mapping"),
        ("kind: [user\n", "not valid YAML"),
        ("!!python/object/apply:os.system [true]\n", "not valid YAML"),
    ],
)
def test_files_that_say_nothing_sensible(orlop: Typed, tmp_path: Path, text: str, said: str) -> None:
    orlop.login("root")
    (tmp_path / "bad.yaml").write_text(text)
    orlop("apply", "-f", str(tmp_path / "bad.yaml"), "--yes", code=2)
    assert said in orlop.errors


def test_a_place_without_its_slash_is_told(orlop: Typed) -> None:
    """It is a repository alone, which nobody who writes `shop` for a team's namespace means."""
    orlop.login("root")
    orlop.served.do(orlop.served.api.repository("team/app"))
    narrow = "shop is the repository of that name alone; all below the namespace is written shop/\n"
    added = orlop("grant", "add", "ann", "reader", "shop")
    assert "place:      shop\n" in added
    # A catalog in memory may not tell which repositories there are: then it is told of those, too.
    told = {"shop": narrow, "shop/": "", "shop/*": "", "/": ""}
    for place, said in told.items():
        orlop("grant", "add", "ann", "reader", place, "--tags", "v*")
        assert orlop.errors == said, place
    orlop("token", "create", "--action", "pull", "--on", "shop")
    assert orlop.errors == narrow
    said = orlop("access", "explain", "ann", "pull", "shop/app")
    assert "shop/app is not in shop\n" in said
    assert "gives ann the role reader on shop/" in said


def test_words_that_nobody_knows_are_answered_with_those_that_are_known(orlop: Typed) -> None:
    orlop.login("root")
    orlop("role", "set", "puller", "pull")
    orlop("grant", "add", "ann", "publishr", "team/", code=1)
    assert orlop.errors == (
        "orlop: there is no role publishr; the roles are guest, reader, publisher, maintainer, owner, auditor, admin,"
        " puller\n"
    )
    orlop("grant", "add", "group:developers", "reader", "team/", code=1)
    assert orlop.errors == (
        "orlop: there is no group developers; orlop group ls lists those there are;"
        " a provider's appear when somebody in them signs in first\n"
    )
    orlop("grant", "add", "robot+nobody", "reader", "team/", code=1)
    assert "there is no account robot+nobody; orlop user ls and orlop robot ls list" in orlop.errors
    orlop("tag-rule", "set", "releases", "--at", "team/", "--tags", "v*", "--immutable")
    for command in ("show", "rm"):
        orlop("tag-rule", command, "releases", code=1)
        assert orlop.errors == (
            "orlop: there is no tag-rule releases of /; orlop tag-rule ls lists those there are, and their places,"
            " for --at\n"
        )
    orlop("tag-rule", "set", "releases", "--at", "team/", "--no-immutable", code=1)
    assert orlop.errors.endswith("set immutable, who may, or how they are named\n")
    orlop("namespace", "set", "team", "--visibility", "pubic", code=1)
    assert orlop.errors == "orlop: visibility: 'pubic' is none of public, internal, private; did you mean public?\n"
    orlop("access", "explain", "ann", "push", "team/app", code=1)
    assert "action: 'push' is none of " in orlop.errors
    assert orlop.errors.endswith("; did you mean push-new?\n")
    orlop("role", "set", "pusher", "pull", "psh-new", code=1)
    assert "'psh-new' is none of " in orlop.errors


def test_house_rules_are_sentences_as_far_as_one_may_see(orlop: Typed) -> None:
    orlop.login("root")
    orlop("tag-rule", "set", "releases", "--at", "/", "--tags", "v*", "--immutable")
    orlop("grant", "add", "ann", "guest", "lib/")
    releases = "  Tags named v* stay what they point at: nobody moves or removes them.  (tag-rule releases of /)\n"
    orlop.login("ann")
    [team] = [grant["id"] for grant in orlop.json("grant", "ls") if grant["place"]["path"] == "team"]
    assert orlop("rules", "show", "team/") == (
        "Names of repositories:\n  no rule says how they are named\nTags:\n"
        f"{releases}How long images stay:\n  for ever: no rule deletes any\n"
        "What is deleted:\n  it can be restored for 7d, as no rule says otherwise\n"
        "Who may push and retag, where no rule for tags forbids it:\n"
        "  ann may make repositories, push content, set new tags, move tags and remove tags."
        f"  (grant {team} of team/)\n"
    )
    assert orlop("rules", "show", "lib/").endswith(
        f"Tags:\n{releases}How long images stay:\n  for ever: no rule deletes any\n"
        "What is deleted:\n  it can be restored for 7d, as no rule says otherwise\nWho may push and retag:\n"
        "  whoever administers it sees that; of yourself, orlop access explain\n"
    )
    found = orlop.json("rules", "show", "team/app")
    assert (found["place"], [said["name"] for said in found["tags"]], found["complete"]) == (
        "team/app",
        ["releases"],
        True,
    )
    orlop("rules", "show", "team", code=1)
    assert "all below the namespace is written team/" in orlop.errors
    orlop("rules", "show", "other/", code=1)
    assert "ann has no grant for pull on other" in orlop.errors
    orlop("rules", "show", "/", code=1)


def test_a_document_as_apply_takes_it_will_do_for_set(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    document = {"kind": "provider", "name": "corp", "body": {"url": "ldaps://ldap.example"}}
    file = tmp_path / "corp.json"
    file.write_text(json.dumps(document))
    orlop("provider", "set", "corp", "-f", str(file))
    assert json.loads(orlop("provider", "show", "corp"))["url"] == "ldaps://ldap.example"
    orlop("provider", "set", "other", "-f", str(file), code=2)
    assert "describes the provider corp, not other" in orlop.errors
    file.write_text(json.dumps(document["body"]))
    orlop("provider", "set", "other", "-f", str(file))
    assert json.loads(orlop("provider", "show", "other"))["url"] == "ldaps://ldap.example"


def test_jobs_are_asked_for_listed_cancelled_and_tried_again(orlop: Typed) -> None:
    orlop.login("root")
    job = orlop.json("jobs", "run", "collection")
    number = str(job["id"])
    assert (job["kind"], job["state"], job["asked_by"]) == ("collection", "waiting", "root")
    assert orlop.json("jobs", "ls", "--state", "waiting", "--kind", "collection") == [job]
    assert orlop.json("jobs", "ls", "--state", "done") == []
    orlop("jobs", "ls", "--limit", "0", code=2)
    assert orlop("jobs", "cancel", number) == f"job {number} collection is cancelled\n"
    assert "state:        cancelled" in orlop("jobs", "show", number, "--follow", code=1)
    assert orlop.errors == f"job {number} collection: cancelled\n"
    assert orlop.json("jobs", "retry", number)["state"] == "waiting"
    orlop("jobs", "show", "999", code=1)
    assert orlop.errors == "orlop: there is no job 999; orlop jobs ls lists those there are\n"


def test_a_schedule_is_set_as_a_whole_and_removed(orlop: Typed) -> None:
    orlop.login("root")
    made = orlop.json("jobs", "schedule", "set", "sweep", "--every", "6h", "--jitter", "10m")
    assert made["body"] == {"every": 21_600, "jitter": 600}
    made = orlop.json("jobs", "schedule", "set", "sweep", "--cron", "0 3 * * *", "--time-zone", "Europe/Berlin")
    assert made["body"] == {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}
    [sweep] = [kind for kind in orlop.json("jobs", "schedule", "ls") if kind["kind"] == "sweep"]
    assert (sweep["schedule"], sweep["by_setting"]) == (made["body"], True)
    orlop("jobs", "schedule", "set", "sweep", code=1)
    assert orlop.errors.endswith("say when it runs: either by cron or by every\n")
    assert orlop("jobs", "schedule", "rm", "sweep") == "sweep runs as it does without a schedule\n"
    assert orlop("jobs", "schedule", "set", "sweep", "--every", "1h", "--disabled") == "sweep runs only when asked\n"


def test_webhooks_are_tried_looked_at_and_sent_again(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("ann")
    (tmp_path / "hook.key").write_text("secretsecret\n")
    made = orlop.json(
        *("webhook", "set", "deploys", "--at", "team/", "--url", "http://127.0.0.1:9/x"),
        *("--event", "tag.*", "--event", "manifest.pushed", "--repository", "app*", "--secret-file", "hook.key"),
    )
    assert made["body"]["events"] == ["tag.*", "manifest.pushed"]
    assert made["body"]["repositories"] == ["app*"]
    assert made["body"]["secret"] == "(set)"
    kept = orlop.served.do(orlop.served.api.identity.documents.get("webhook", "deploys", "team"))
    assert json.loads(kept.body)["secret"] == "secretsecret"
    orlop("webhook", "set", "deploys", "--at", "team/", "--format", "harbour", code=2)
    assert "harbor" in orlop.errors
    orlop("webhook", "set", "deploys", "--at", "team/", "--secret-file", "nowhere", code=2)
    assert "nowhere cannot be read" in orlop.errors
    orlop("webhook", "set", "deploys", "--at", "team/", "--url", "http://127.0.0.1:10/x", code=1)
    assert "give the secret anew" in orlop.errors

    said = orlop("webhook", "test", "deploys", "--at", "team/", code=1)
    assert said.startswith("nothing came back: 127.0.0.1 cannot be reached: 127.0.0.1 is a loopback address")
    assert "outbound.networks" in said
    [tried] = orlop.json("webhook", "deliveries", "deploys", "--at", "team/")
    assert (tried["kind"], tried["state"], tried["webhook"], tried["path"]) == (
        *("webhook.test", "dead", "deploys", "team"),
    )
    assert orlop.json("webhook", "deliveries", "deploys", "--at", "team/", "--dead") == [tried]
    assert "webhook.test" in orlop("webhook", "deliveries", str(tried["id"]))
    orlop("webhook", "redeliver", str(tried["id"]), code=1)
    assert "test the webhook again" in orlop.errors
    orlop("webhook", "redeliver", "4711", code=1)
    assert "there is no delivery 4711" in orlop.errors
    assert "goes on" in orlop("webhook", "resume", "deploys", "--at", "team/")
    orlop("webhook", "test", "deploys", code=1)
    assert "policy-edit" in orlop.errors
    orlop("followers", "ls", code=1)


def test_followers_are_listed_and_skip_what_they_fail_at(orlop: Typed) -> None:
    orlop.login("root")
    cursors = orlop.served.api.catalog.cursors
    orlop.served.do(cursors.register(WEBHOOKS))
    orlop.served.do(cursors.stumble(WEBHOOKS, 7, "it makes no sense", 1))
    audit, hooks, images, *_others = orlop.json("followers", "ls")
    assert (audit["name"], audit["stream"], audit["trouble"]) == ("audit", "outbox", None)
    assert hooks["behind"] > 0
    assert (images["name"], images["stream"]) == ("images", "outbox")
    assert (hooks["trouble"]["position"], hooks["trouble"]["error"]) == (7, "it makes no sense")
    assert "it makes no sense" in orlop("followers", "ls")
    orlop("followers", "skip", "audit", "--position", "7", code=1)
    assert "leaves nothing out" in orlop.errors
    orlop("followers", "skip", "nobody", "--position", "7", code=1)
    assert "there are audit, webhooks, images" in orlop.errors
    orlop("followers", "skip", "webhooks", "--position", "8", code=1)
    assert orlop("followers", "skip", "webhooks", "--position", "7") == "webhooks leaves out 7\n"
    assert orlop.json("followers", "ls")[1]["trouble"] is None


def test_what_is_in_use_is_posted_from_a_list_of_images(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("ann")
    file = tmp_path / "images.txt"
    first, second = (f"sha256:{number:064x}" for number in (1, 2))
    file.write_text(f"# pods\nregistry.example/team/app:1@{first}\n\n{second}\nregistry.example/team/app@{first}\n")
    posted = orlop.json("in-use", "set", "prod-1", "--at", "team/", "-f", str(file), "--expires", "24h")
    assert (posted["path"], posted["digests"], posted["posted_by"]) == ("team", 2, "ann")
    assert [one["name"] for one in orlop.json("in-use", "ls")] == ["prod-1"]
    orlop("in-use", "set", "prod-1", "--at", "team/", "-f", str(file), "--expires", "never", code=2)
    assert "--expires is a length of time or a date" in orlop.errors
    orlop("in-use", "set", "prod-1", "--at", "team/", "-f", str(file), "--expires", "500d", code=1)
    assert "a time to come, within a year" in orlop.errors
    file.write_text("registry.example/team/app:1\n")
    orlop("in-use", "set", "prod-1", "--at", "team/", "-f", str(file), "--expires", "24h", code=2)
    assert "line 1: 'registry.example/team/app:1' has no digest: write it as IMAGE@sha256:…" in orlop.errors
    file.write_text("registry.example/team/app@sha256:12\n")
    orlop("in-use", "set", "prod-1", "--at", "team/", "-f", str(file), "--expires", "24h", code=2)
    assert "line 1: a sha256 digest has 64 lower-case hex digits" in orlop.errors
    file.write_text("")
    orlop("in-use", "set", "prod-1", "--at", "other/", "-f", str(file), "--expires", "24h", code=1)
    assert orlop("in-use", "rm", "prod-1", "--at", "team/") == "nothing of prod-1 is in use any more\n"
    orlop("in-use", "rm", "prod-1", "--at", "team/", code=1)
    assert "nothing named prod-1 is in use at team/" in orlop.errors


def test_rules_of_other_registries_are_printed_as_ours(orlop: Typed, tmp_path: Path) -> None:
    file, tags = tmp_path / "policy.json", tmp_path / "tags.json"
    file.write_text('{"keep_n": 1, "name_regex": "dev-.*", "name_regex_keep": "dev-7"}')
    tags.write_text(
        '[{"repository": "app", "tag": "dev-1", "digest": "sha256:aa", "pushed_at": "2026-01-01T00:00:00Z"},'
        ' {"repository": "app", "tag": "dev-2", "digest": "sha256:bb", "pushed_at": "2026-01-02T00:00:00Z"}]'
    )
    made = orlop("retention", "import", str(file), "--from", "gitlab", "--against", str(tags))
    assert made == (
        'delete:\n  - {"tags": ["dev-*"], "except": ["latest", "dev-7"]}\n'
        'keep:\n  - {"tags": ["latest", "dev-7"]}\n'
        '  - {"tags": ["dev-*"], "except": ["latest", "dev-7"], "newest": 1}\n'
        "# every tag is treated alike\n"
    )
    orlop.login("ann")
    rule = tmp_path / "rule.yaml"
    rule.write_text(made)
    assert orlop.json("retention", "set", "imported", "--at", "team/", "-f", str(rule))["version"] == 1
    file.write_text("{}]")
    orlop("retention", "import", str(file), "--from", "harbor", code=2)
    assert "it is no policy of harbor" in orlop.errors
    tags.write_text("{}")
    file.write_text("{}")
    orlop("retention", "import", str(file), "--from", "gitlab", "--against", str(tags), code=2)
    assert "is no inventory: Expected `array`, got `object`" in orlop.errors


@pytest.mark.parametrize("selectors", [65, 30_000])
def test_a_huge_rule_for_retention_is_refused_in_a_sentence(orlop: Typed, tmp_path: Path, selectors: int) -> None:
    orlop.login("ann")
    file = tmp_path / "rule.yaml"
    file.write_text("keep:\n" + "".join(f'  - {{"tags": ["build-{number}-*"]}}\n' for number in range(selectors)))
    orlop("retention", "set", "huge", "--at", "team/", "-f", str(file), code=1)
    assert orlop.errors.startswith("orlop: ")
    assert orlop.errors.count("\n") == 1
    assert len(orlop.errors) < 300
    assert orlop.json("retention", "ls", "--at", "team/") == []


def test_a_plan_of_somebody_else_is_not_there_for_others(orlop: Typed) -> None:
    orlop.login("ann")
    orlop("retention", "preview", "other/", code=1)
    assert "ann has no grant for policy-edit" in orlop.errors
    for number in ("7", "8"):
        orlop("retention", "plan", number, code=1)
        assert f"there is no plan {number}" in orlop.errors
        orlop("retention", "apply", number, "--yes", code=1)
        assert f"there is no plan {number}" in orlop.errors
    orlop("retention", "plans", "--limit", "0", code=2)
    assert orlop.json("retention", "plans") == []
