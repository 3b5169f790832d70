"""Commands for content on a registry with accounts: one sign-in for all of them, and room that is made in it."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from orlop.bootstrap.commands.advisories import AdvisoryFiles
from orlop.bootstrap.commands.audit import open_for_audit
from orlop.bootstrap.commands.clients import ContentClients, ManagementServers
from orlop.bootstrap.commands.logins import Tools
from orlop.bootstrap.commands.vex import VexFiles
from orlop.faces.cli import management
from orlop.faces.cli.app import build, invoke
from orlop.faces.cli.audit import commands as audit
from orlop.faces.cli.content import commands as content
from tests import content as made
from tests.clientside.test_commands import layout_with
from tests.servers import OrlopServer, orlop_server
from tests.serving import eventually

pytestmark = pytest.mark.slow

PASSWORD = "a phrase for the tests"


class Done(NamedTuple):
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrlopServer]:
    folder = tmp_path_factory.mktemp("accounts")
    with orlop_server(folder, open=False, admin_password=PASSWORD, workers=1) as server:
        yield server
        server.verify()


@pytest.fixture
def orlop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Types a command, and gives what it prints."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "config"))
    root = build()
    content.register(root, ContentClients(), ManagementServers())
    management.register(root, ManagementServers(), Tools(), AdvisoryFiles(), VexFiles())
    audit.register(root, open_for_audit, ManagementServers())

    def typed(*arguments: str, given: str = "", code: int = 0) -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        ended = invoke(root, arguments)
        done = Done(*capsys.readouterr())
        assert ended == code, done
        return done

    return typed


@pytest.fixture
def signed_in(orlop: Callable[..., Done], server: OrlopServer) -> Callable[..., Done]:
    orlop("login", server.address, "-u", "admin", "--password-stdin", given=f"{PASSWORD}\n")
    return orlop


def test_one_sign_in_is_good_for_every_command(orlop: Callable[..., Done], server: OrlopServer, tmp_path: Path) -> None:
    at, image = server.address, f"{server.address}/one/app"
    source = layout_with(tmp_path / "layout", made.image("app"))
    for command in (["digest", f"{image}:v1"], ["ls", image], ["cp", f"oci:{source}:v1", f"{image}:v1"]):
        said = orlop(*command, code=1).stderr.splitlines()[-1]
        assert said.endswith(f"; run orlop login {at}"), said
        assert "sign in" not in said.removesuffix(f"run orlop login {at}"), said
    assert orlop("ls", at).stderr == f"{at} shows nothing to those who are not signed in; run orlop login {at}\n"
    assert orlop("whoami", at, code=2).stderr == f"orlop: nobody is signed in at {at}; run orlop login {at}\n"
    orlop("login", at, "-u", "admin", "--password-stdin", given=f"{PASSWORD}\n")
    for command in (["whoami", at], ["whoami"]):
        assert orlop(*command).stdout == f"admin at {at}, kept by orlop login\n"
    orlop("cp", f"oci:{source}:v1", f"{image}:v1")
    orlop("tag", f"{image}:v1", "v2")
    assert orlop("ls", image).stdout.split() == ["v1", "v2"]
    assert "signed in: admin (by orlop login)" in orlop("ls", image, "--as", "bob", code=1).stderr
    orlop("logout")
    assert orlop("ls", image, code=1).stdout == ""


def test_what_the_last_tag_leaves_behind_is_said_with_what_frees_it(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/left/app"
    what = made.image("left")
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', what)}:v1", f"{image}:v1")
    orlop("tag", f"{image}:v1", "v2")
    back = f"it can be set again for 7d: orlop trash restore {image}"
    assert orlop("rm", f"{image}:v1") == Done(f"untagged {image}:v1\n", f"{back}:v1\n")
    said = orlop("rm", f"{image}:v2").stderr
    assert "no tag leads to its manifest any more, which keeps " in said
    assert f"until it is removed: orlop rm {image}@{what.digest} --yes\n" in said
    listed = orlop("ls", "--untagged", image)
    assert listed.stdout.split()[0] == what.digest
    assert f"orlop rm {image}@DIGEST --recursive --yes" in listed.stderr
    freed = orlop("rm", f"{image}@{what.digest}", "--yes")
    assert freed.stdout == f"deleted {image}@{what.digest}\n"
    assert "to free its space before that: orlop trash empty left/app" in freed.stderr
    assert orlop("ls", "--untagged", image) == Done("", f"a tag leads to every manifest of {image}\n")


def test_the_history_of_a_tag_and_the_way_back(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/past/app"
    one, two = made.image("past one"), made.image("past two")
    orlop("cp", f"oci:{layout_with(tmp_path / 'one', one)}:v1", f"{image}:prod")
    orlop("cp", f"oci:{layout_with(tmp_path / 'two', two)}:v1", f"{image}:prod")
    orlop("rm", f"{image}:prod")
    lines = [line.split() for line in orlop("history", f"{image}:prod").stdout.splitlines()]
    assert [line[1:] for line in lines] == [
        ["removed", "by", "admin"],
        [two.digest, "by", "admin"],
        [one.digest, "by", "admin"],
    ]
    assert "--limit 20 shows further ones" in orlop("history", f"{image}:prod", "--limit", "2").stderr
    assert orlop("history", f"{image}:never").stderr == f"there never was a tag {image}:never\n"
    back = orlop("rollback", f"{image}:prod", "--to", one.digest).stdout
    assert back == f"{image}:prod points at {one.digest} now; before, it was not there\n"
    again = orlop("rollback", f"{image}:prod", "--to", one.digest).stdout
    assert again == f"{image}:prod points at {one.digest} already\n"
    moved = json.loads(orlop("rollback", f"{image}:prod", "--to", two.digest, "--json").stdout)
    assert moved == {"reference": f"{image}:prod", "digest": two.digest, "previous": one.digest}
    assert orlop("digest", f"{image}:prod").stdout == f"{two.digest}\n"
    written = json.loads(orlop("history", f"{image}:prod", "--json").stdout)
    assert [change["digest"] for change in written] == [two.digest, one.digest, None, two.digest, one.digest]
    then = written[1]["at"]
    assert orlop("digest", f"{image}:prod", "--at", then).stdout == f"{one.digest}\n"
    assert f"Digest:      {one.digest}\n" in orlop("inspect", f"{image}:prod", "--at", then).stdout
    assert orlop("inspect", f"{image}:prod", "--at", "0s").stderr.startswith(f"{image}:prod pointed at {two.digest}")
    orlop("rm", f"{image}@{one.digest}", "--yes")
    gone = orlop("inspect", f"{image}:prod", "--at", then, code=1).stderr
    assert gone == f"orlop: {image}:prod pointed at {one.digest} then, which is not held there any more\n"
    assert "(not held any more)" in orlop("history", f"{image}:prod").stdout
    refused = orlop("rollback", f"{image}:prod", "--to", one.digest, code=1).stderr
    assert "past/app does not hold that manifest any more, and it lies in the trash" in refused


def test_what_is_locked_is_deleted_by_nobody(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/locked/app"
    what = made.image("locked")
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', what)}:v1", f"{image}:v1")
    locked = f"{image}@{what.digest}"
    assert orlop("lock", "add", locked, "--reason", "audit").stdout == f"locked {locked}\n"
    assert orlop("lock", "ls", image).stdout == f"{what.digest}  by admin: audit\n"
    for command in (["rm", locked, "--yes"], ["repo", "rm", image, "--yes"]):
        assert "is locked, and nobody deletes it: audit; whoever administers" in orlop(*command, code=1).stderr
    again = orlop("lock", "add", locked, "--reason", "twice", code=1).stderr
    assert again == f"orlop: the manifest {what.digest} of locked/app is locked already: audit\n"
    assert "say why, in 1 to 512 characters" in orlop("lock", "rm", locked, "--reason", " ", code=1).stderr
    assert "a lock is on a digest of a registry" in orlop("lock", "add", f"{image}:v1", "--reason", "x", code=2).stderr
    orlop("lock", "rm", locked, "--reason", "over")
    assert orlop("lock", "rm", locked, "--reason", "over", code=1).stderr.startswith("orlop: there is no lock on")
    orlop("repo", "rm", image, "--yes")


def test_labels_are_set_listed_selected_by_and_removed(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/labelled/app"
    what = made.image("labelled")
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', what)}:v1", f"{image}:v1")
    by_digest = f"{image}@{what.digest}"
    assert orlop("label", "set", f"{image}:v1", "stage=prod", "cve=").stdout == f"labelled {by_digest}\n"
    assert orlop("label", "set", image, "team=a b").stdout == f"labelled {image}\n"
    assert orlop("label", "ls", by_digest).stdout == "cve=\nstage=prod\n"
    assert orlop("ls", f"{server.address}/labelled/", "--selector", "stage=prod,cve").stdout == f"{by_digest}\n"
    assert orlop("ls", "labelled/", "--selector", "team").stdout == f"{image}\n"
    assert orlop("ls", server.address, "--selector", "stage=dev").stdout == ""
    assert "Label:       stage=prod\n" in orlop("inspect", f"{image}:v1").stdout
    assert json.loads(orlop("inspect", f"{image}:v1", "--json").stdout)["labels"] == {"cve": "", "stage": "prod"}
    assert orlop("label", "rm", by_digest, "cve", "stage").stdout == f"removed cve, stage from {by_digest}\n"
    assert "Label:" not in orlop("inspect", f"{image}:v1").stdout
    assert orlop("label", "rm", by_digest, "cve", code=1).stderr == (
        f"orlop: labelled/app@{what.digest} has no label cve\n"
    )
    assert "no key of a label" in orlop("label", "set", image, "Stage=x", code=1).stderr
    for command, said in {
        ("label", "set", image, "stage"): "'stage' is no label: write KEY=VALUE",
        ("label", "set", image, "a=1", "a=2"): "the label a is there twice",
        ("label", "set", image): "name at least one label to set, as KEY=VALUE",
        ("label", "rm", image): "name at least one key of a label to remove",
        ("label", "ls", f"oci:{tmp_path}"): "labels are on repositories of a registry",
        ("ls", image, "--selector", "a", "--untagged"): "--selector and --untagged do not go together",
    }.items():
        assert orlop(*command, code=2).stderr.startswith(f"orlop: {said}")
    orlop("tag", f"{image}:v1", "v2")
    orlop("rm", f"{image}:v1")
    assert orlop("ls", image).stdout == "v2\n", "of two tags of a digest the one that was removed is gone at once"
    history = orlop("history", image).stdout
    assert f"  v1  {what.digest}  by admin" in history


def test_what_cannot_be_looked_back_at_is_told_in_a_sentence(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/past/other"
    what = made.image("other")
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', what)}:v1", f"{image}:v1")
    told = {
        ("digest", f"{image}:v1", "--at", "3w"): "'3w' is not a time such as 2026-11-25T17:00:00Z, nor how long ago",
        ("digest", f"{image}:v1", "--at", "1969-12-31"): "'1969-12-31' lies before 1970",
        ("digest", f"{image}:v1", "--at", "9999999d"): "'9999999d' lies before 1970",
        ("inspect", f"{image}@{what.digest}", "--at", "1d"): "this is for a tag of a registry: HOST:PORT/NAME:TAG",
        ("history", f"oci:{tmp_path}"): "this is for a tag or a repository of a registry: HOST:PORT/NAME:TAG or",
        ("rollback", image, "--to", what.digest): "write out the tag to roll back",
        ("rollback", f"{image}:v1", "--to", "v2"): "'v2': ",
        ("history", f"{image}:v1", "--limit", "0"): "--limit is 1 or more",
    }
    for command, said in told.items():
        assert orlop(*command, code=2).stderr.splitlines()[-1].startswith(f"orlop: {said}")
    early = orlop("digest", f"{image}:v1", "--at", "2001-01-01", code=1).stderr
    assert early == "orlop: past/other had no tag v1 at that time: its history begins later\n"
    orlop("logout")
    assert "nobody is signed in at" in orlop("history", f"{image}:v1", code=2).stderr


def test_an_index_goes_with_what_only_it_lists(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/whole/app"
    every = made.platform_index()
    source = layout_with(tmp_path / "layout", every)
    orlop("cp", f"oci:{source}:v1", f"{image}:all")
    kept, *rest = [item.digest for item in every.everything() if item is not every]
    orlop("tag", f"{image}@{kept}", "kept")
    assert "--recursive --yes" in orlop("rm", f"{image}:all").stderr
    shown = orlop("rm", f"{image}@{every.digest}", "--recursive", code=2)
    assert f"{image}@{every.digest} (named)\n" in shown.stdout
    assert f"{image}@{kept} (listed by an index)\n" in shown.stdout
    assert "add --yes" in shown.stderr
    done = orlop("rm", f"{image}@{every.digest}", "--recursive", "--yes").stdout.split()
    assert done == [word for each in (every.digest, *sorted(rest)) for word in ("deleted", f"{image}@{each}")]
    assert orlop("ls", image).stdout == "kept\n"
    assert orlop("ls", "--untagged", image) == Done("", f"a tag leads to every manifest of {image}\n")


def test_a_tag_goes_with_all_that_only_it_leads_to(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/tagged/app"
    every = made.platform_index()
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', every)}:v1", f"{image}:all")
    orlop("tag", f"{image}:all", "other")
    stays = "another tag or index leads to its manifest, which stays\n"
    assert orlop("rm", f"{image}:all", "--recursive", "--yes") == Done(f"untagged {image}:all\n", stays)
    assert len(orlop("rm", f"{image}:other", "--recursive", "--yes").stdout.splitlines()) == 4
    assert orlop("ls", "--untagged", image) == Done("", f"a tag leads to every manifest of {image}\n")


def test_a_repository_goes_as_a_whole_after_a_look(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/gone/app"
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', made.image('gone'))}:v1", f"{image}:v1")
    said = orlop("repo", "rm", image, code=2).stderr
    assert said.startswith(f"orlop: this deletes {image} with its 1 tag and 1 manifest (")
    assert said.endswith("; add --yes to do so\n")
    assert orlop("repo", "rm", image, "--yes").stdout == f"deleted {image}\n"
    assert "gone/app" not in orlop("ls", server.address).stdout
    assert "there is no repository gone/app" in orlop("repo", "rm", image, "--yes", code=1).stderr
    assert "orlop repo rm" in orlop("rm", image, code=2).stderr


def test_the_audit_log_is_read_where_one_is_signed_in(
    signed_in: Callable[..., Done], server: OrlopServer, tmp_path: Path
) -> None:
    orlop, image = signed_in, f"{server.address}/audited/app"
    orlop("cp", f"oci:{layout_with(tmp_path / 'layout', made.image('audited'))}:v1", f"{image}:v1")
    orlop("rm", f"{image}:v1")
    asked = ("audit", "ls", "--place", "audited")
    eventually("the log has it", lambda: "tag.deleted" in orlop(*asked, "--server", server.address).stdout)
    stored = ("--data", str(server.data))
    assert orlop(*asked).stdout == orlop(*asked, *stored).stdout
    assert orlop(*asked, "--json").stdout == orlop(*asked, "--json", *stored).stdout
    [one] = orlop(*asked, "--kind", "tag.deleted", "--limit", "1").stdout.splitlines()
    assert "audited/app:v1" in one
    lines = orlop("audit", "export", "--place", "audited").stdout
    assert lines == orlop("audit", "export", "--place", "audited", *stored).stdout
    assert [json.loads(line)["sequence"] for line in lines.splitlines()] == sorted(
        json.loads(line)["sequence"] for line in lines.splitlines()
    )
    for place in ((), stored):
        said = orlop(*asked, "--kind", "tag.delete", *place, code=1).stderr
        assert "there is no kind 'tag.delete'; the nearest known one is tag.deleted; the kinds are " in said
    assert "leave one of them out" in orlop(*asked, *stored, "--server", server.address, code=2).stderr
    orlop("logout")
    assert (
        "nobody is signed in; run orlop login HOST:PORT, or name the stores with --data" in orlop(*asked, code=2).stderr
    )
