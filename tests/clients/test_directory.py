"""People of a directory use real clients: what they may do, their groups there say."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import ldap3
import pytest

from tests.clients.programs import Station
from tests.servers import ORLOP, OrlopServer, orlop_server
from tests.serving import eventually
from tests.slapd import ADMIN, ADMIN_PASSWORD, GROUPS, PEOPLE, Slapd, dn, group_dn, password_of, slapd

pytestmark = pytest.mark.slow

PASSWORD = "a phrase for the tests"


@pytest.fixture(scope="module")
def directory(scratch: Callable[[str], Path]) -> Iterator[Slapd]:
    """A directory with a thousand people, of whom ada is an engineer by way of two groups."""
    with slapd(scratch("slapd")) as server:
        yield server


@pytest.fixture(scope="module")
def private(scratch: Callable[[str], Path], directory: Slapd) -> Iterator[OrlopServer]:
    """A server that asks the directory."""
    with orlop_server(
        scratch("directory-server"), open=False, admin_password=PASSWORD, workers=2, auth_synchronise="1s"
    ) as server:
        home = scratch("administrator")
        orlop(home, "login", server.address, "--user", "admin", "--password-stdin", sent=PASSWORD)
        document = home / "provider.yaml"
        document.write_text(
            f"""kind: provider
name: corp
body:
  type: ldap
  servers: ["{directory.plain}"]
  ca: {directory.ca}
  bind_dn: {ADMIN}
  bind_password: {ADMIN_PASSWORD}
  user_base: {PEOPLE}
  group_base: {GROUPS}
  groups: {{"*": "corp-*"}}
"""
        )
        orlop(home, "apply", "-f", str(document), "--yes")
        yield server
        server.verify()


def orlop(home: Path, *arguments: str, sent: str = "") -> str:
    """A command of an administrator."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORLOP_", "XDG_"))}
    done = subprocess.run(
        [*ORLOP, *arguments],
        input=sent,
        env={**environment, "HOME": str(home), "DOCKER_CONFIG": str(home / "docker")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_group_of_the_directory_lets_its_people_push(
    private: OrlopServer, station: Station, single: Path, scratch: Callable[[str], Path]
) -> None:
    image = f"{private.address}/team/app:1"
    login = ("auth", "login", private.address, "-u", "ada", "--password-stdin")
    station.run("crane", *login, sent=password_of("ada").encode())
    assert "push" in station.refused("crane", "push", str(single), image)
    home = scratch("granting")
    orlop(home, "login", private.address, "--user", "admin", "--password-stdin", sent=PASSWORD)
    orlop(home, "grant", "add", "group:corp-engineering", "publisher", "team/")
    station.run("crane", "push", str(single), image)
    station.run("crane", "pull", image, "pulled.tar")
    said = orlop(home, "access", "explain", "ada", "overwrite", "team/app:1")
    assert "group:corp-engineering" in said
    station.run("crane", *login[:3], "-u", "user0002", "--password-stdin", sent=password_of("user0002").encode())
    station.refused("crane", "pull", image, "other.tar")


def test_a_wrong_password_of_the_directory_is_wrong_here(private: OrlopServer, station: Station) -> None:
    arguments = ["login", "--tls-verify=false", "-u", "grace", "--password-stdin", private.address]
    said = station.refused("skopeo", *arguments, sent=b"wrong\n")
    assert "unauthorized" in said.lower() or "invalid username/password" in said, said


def test_who_leaves_the_group_can_pull_no_more_without_signing_in(
    private: OrlopServer, directory: Slapd, station: Station, single: Path, scratch: Callable[[str], Path]
) -> None:
    """The directory is looked at in the background: nobody has to come back for losing what they had."""
    image = f"{private.address}/synced/app:1"
    home = scratch("synchronising")
    orlop(home, "login", private.address, "--user", "admin", "--password-stdin", sent=PASSWORD)
    orlop(home, "namespace", "set", "synced")
    login = ("auth", "login", private.address, "-u", "ada", "--password-stdin")
    station.run("crane", *login, sent=password_of("ada").encode())
    orlop(home, "grant", "add", "group:corp-engineering", "publisher", "synced/")
    station.run("crane", "push", str(single), image)
    with directory.administrator() as connection:
        connection.modify(group_dn("backend"), {"member": [(ldap3.MODIFY_DELETE, [dn("ada")])]})
        assert connection.result["description"] == "success", connection.result
    eventually("ada is no engineer any more", lambda: "ada" not in members(home, "corp-engineering"))
    said = station.refused("crane", "pull", image, "pulled.tar")
    assert "MANIFEST_UNKNOWN" in said, "what they may not know of looks as if it were not there"


def members(home: Path, group: str) -> list[str]:
    """Who is in a group, as the registry has it."""
    return orlop(home, "group", "members", group).split()
