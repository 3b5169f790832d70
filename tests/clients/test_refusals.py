"""What people read when a rule or a lock refuses what they do: the reason, in one sentence, with each client."""

import base64
import json
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients import daemons
from tests.clients.conftest import PASSWORD
from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

#: Rules of `ruled/`, but for the one that only helm's charts can keep to.
RULES = {
    "tag-rules/releases?path=ruled": {"tags": ["v*", "1.*"], "immutable": True},
    "tag-rules/prod?path=ruled": {"tags": ["prod", "9.*"], "may_create": ["group:release"]},
    "tag-rules/once?path=ruled": {"tags": ["once"], "may_move": ["nobody"]},
    "tag-rules/builds?path=ruled": {"tags": ["build*"], "names": ["build-*"]},
    "tag-rules/versions?path=ruled/semver": {"tags": ["*"], "semver": True},
    "repository-rules/layout?path=ruled": {"depth": 3, "reserved": ["latest"]},
}
#: By image, what is refused that is new; `{}` stands for the client.
NEW = {
    "ruled/{}:prod": "the tag prod of ruled/{} is protected by the tag rule prod of ruled/: only group:release may"
    " create it; ask for that, or push under another tag",
    "ruled/{}:build7": "the tag build7 of ruled/{} is not named as the tag rule builds of ruled/ asks: it matches none"
    " of build-*; push under another tag",
    "ruled/semver/{}:stable": "the tag stable of ruled/semver/{} is not named as the tag rule versions of ruled/semver/"
    " asks: it is no semantic version, such as 1.4.0 or v1.4.0-rc.1; push under another tag",
    "ruled/much/too/{}:1": "there is no repository ruled/much/too/{}, and the repository rule layout of ruled/ lets"
    " none of that name be made: the name has 4 components, and 3 are allowed; push under another name",
    "ruled/latest/{}:1": "there is no repository ruled/latest/{}, and the repository rule layout of ruled/ lets none of"
    " that name be made: latest is reserved; push under another name",
}
#: What is refused that is there, with other content.
MOVED = {
    "ruled/{}:v1": "the tag v1 of ruled/{} is immutable by the tag rule releases of ruled/: it stays what it points at;"
    " push under another tag",
    "ruled/{}:once": "the tag once of ruled/{} is protected by the tag rule once of ruled/: nobody may move it; push"
    " under another tag",
}


def _ask(server: OrlopServer, method: str, path: str, body: Any, **headers: str) -> None:
    pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(
        f"{server.url}/api/v1/{path}",
        json.dumps(body).encode(),
        {"authorization": f"Basic {pair}", "content-type": "application/json", **headers},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status < 300


@pytest.fixture(scope="module")
def ruled(private: OrlopServer) -> OrlopServer:
    """The private server, with the rules."""
    for path, body in RULES.items():
        _ask(private, "PUT", path, body, **{"if-none-match": "*"})
    return private


class Pusher(NamedTuple):
    """A client at work: how one of two images is pushed under a name; and what the client said when it was refused."""

    push: Callable[[int, str], None]
    refused: Callable[[int, str], str]


def _with_layouts(program: str, layouts: tuple[tuple[Path, str], ...], station: Station, at: str) -> Pusher:
    """A client that takes images from OCI layouts."""

    def words(which: int, image: str) -> list[str]:
        layout, name = layouts[which]
        return {
            "skopeo": ["copy", "--all", "--dest-tls-verify=false", f"oci:{layout}:{name}", f"docker://{at}/{image}"],
            "crane": ["push", str(layout), f"{at}/{image}"],
            "regctl": ["image", "copy", f"ocidir://{layout}:{name}", f"{at}/{image}"],
            "oras": ["copy", "--from-oci-layout", f"{layout}:{name}", "--to-plain-http", f"{at}/{image}"],
        }[program]

    login = {
        "skopeo": ["login", "--tls-verify=false", "-u", "admin", "--password-stdin", at],
        "crane": ["auth", "login", at, "-u", "admin", "--password-stdin"],
        "regctl": ["registry", "login", at, "-u", "admin", "--pass-stdin"],
        "oras": ["login", "--plain-http", "-u", "admin", "--password-stdin", at],
    }
    if program == "regctl":
        station.run("regctl", "registry", "set", at, "--tls", "disabled")
    station.run(program, *login[program], sent=PASSWORD.encode())
    return Pusher(
        lambda which, image: _ran(station.run(program, *words(which, image))),
        lambda which, image: station.refused(program, *words(which, image)),
    )


def _with_store(command: list[str], station: Station, at: str) -> Pusher:
    """A client that pushes from images of its own: docker, podman."""
    program, *options = command
    for which in (0, 1):
        (station.folder / "words").write_text(f"words {which}\n")
        with tarfile.open(station.folder / f"root{which}.tar", "w") as tar:
            tar.add(station.folder / "words", "words")
        station.run(program, *options, "import", f"root{which}.tar", f"refused/image:{which}")
    tls = ["--tls-verify=false"] if program == "podman" else []
    station.run(program, *options, "login", *tls, "-u", "admin", "--password-stdin", at, sent=PASSWORD.encode())

    def tagged(which: int, image: str) -> list[str]:
        station.run(program, *options, "tag", f"refused/image:{which}", f"{at}/{image}")
        return [program, *options, "push", *tls, f"{at}/{image}"]

    return Pusher(
        lambda which, image: _ran(station.run(*tagged(which, image))),
        lambda which, image: station.refused(*tagged(which, image)),
    )


def _ran(_: bytes) -> None:
    """A push that ended well says nothing of interest."""


@pytest.fixture
def kept(tmp_path: Path, ruled: OrlopServer) -> Iterator[Station]:
    """A station for podman, whose images lie in a folder of its own."""
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    registries.write_text(f'[[registry]]\nlocation = "{ruled.address}"\ninsecure = true\n')
    station = Station(tmp_path, CONTAINERS_STORAGE_CONF=str(storage), CONTAINERS_REGISTRIES_CONF=str(registries))
    station.environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    (tmp_path / "auth.json").write_text("{}")
    yield station
    daemons.unmount(tmp_path)


def _is_told(said: str, sentence: str) -> None:
    """The sentence is there, whatever the client breaks or quotes."""
    assert sentence in " ".join(said.replace('\\"', '"').split()), said


def _every_refusal_is_told(client: str, pusher: Pusher) -> None:
    for image, sentence in NEW.items():
        _is_told(pusher.refused(0, image.format(client)), sentence.format(client))
    for image, sentence in MOVED.items():
        pusher.push(0, image.format(client))
        pusher.push(0, image.format(client))  # as it is it may be pushed again
        _is_told(pusher.refused(1, image.format(client)), sentence.format(client))


@pytest.mark.parametrize("program", ["skopeo", "crane", "regctl", "oras"])
def test_clients_that_copy(ruled: OrlopServer, station: Station, single: Path, platforms: Path, program: str) -> None:
    layouts = ((single, "one"), (platforms, "multi"))
    _every_refusal_is_told(program, _with_layouts(program, layouts, station, ruled.address))


def test_docker(ruled: OrlopServer, station: Station, dockerd: Path) -> None:
    _every_refusal_is_told("docker", _with_store(["docker", "-H", f"unix://{dockerd}"], station, ruled.address))


def test_podman(ruled: OrlopServer, kept: Station) -> None:
    _every_refusal_is_told("podman", _with_store(["podman"], kept, ruled.address))


def test_helm(ruled: OrlopServer, station: Station) -> None:
    """helm names tags as versions itself, so only what it can do is tried."""
    login = ("registry", "login", ruled.address, "--plain-http", "-u", "admin", "--password-stdin")
    station.run("helm", *login, sent=PASSWORD.encode())
    station.run("helm", "create", "ship")

    def packed(version: str, said: str, place: str = "ruled/charts") -> tuple[str, ...]:
        (station.folder / "ship/templates/NOTES.txt").write_text(said)
        station.run("helm", "package", "ship", "--version", version)
        return "push", f"ship-{version}.tgz", f"oci://{ruled.address}/{place}", "--plain-http"

    station.run("helm", *packed("1.2.3", "one"))
    for (version, place), sentence in {
        (
            "1.2.3",
            "ruled/charts",
        ): "the tag 1.2.3 of ruled/charts/ship is immutable by the tag rule releases of"
        " ruled/: it stays what it points at; push under another tag",
        (
            "9.0.0",
            "ruled/charts",
        ): "the tag 9.0.0 of ruled/charts/ship is protected by the tag rule prod of ruled/:"
        " only group:release may create it; ask for that, or push under another tag",
        (
            "2.0.0",
            "ruled/a/b",
        ): "there is no repository ruled/a/b/ship, and the repository rule layout of ruled/ lets"
        " none of that name be made: the name has 4 components, and 3 are allowed; push under another name",
    }.items():
        _is_told(station.refused("helm", *packed(version, "two", place)), sentence)


def test_clients_that_delete(ruled: OrlopServer, station: Station, single: Path) -> None:
    at, digest = f"{ruled.address}/ruled/locked", in_layout(single).digest
    for program in ("crane", "regctl", "oras"):
        pusher = _with_layouts(program, ((single, "one"),), station, ruled.address)
        pusher.push(0, "ruled/locked:1")
    _ask(ruled, "POST", "locks", {"repository": "ruled/locked", "digest": digest, "reason": "audit of May"})
    sentence = (
        f"the manifest {digest} of ruled/locked is locked, and nobody deletes it: audit of May; whoever administers the"
        " repository may lift that with orlop lock rm"
    )
    for command in (
        ["crane", "delete", f"{at}@{digest}"],
        ["regctl", "manifest", "delete", f"{at}@{digest}"],
        ["oras", "manifest", "delete", "--plain-http", "--force", f"{at}@{digest}"],
        ["skopeo", "delete", "--tls-verify=false", f"docker://{at}@{digest}"],
    ):
        if command[0] == "skopeo":
            _with_layouts("skopeo", (), station, ruled.address)
        _is_told(station.refused(*command), sentence)


def test_cosign_signs_a_second_time_although_every_tag_is_immutable(
    ruled: OrlopServer, station: Station, single: Path
) -> None:
    _ask(ruled, "PUT", "tag-rules/all?path=signed", {"tags": ["*"], "immutable": True}, **{"if-none-match": "*"})
    _with_layouts("crane", ((single, "one"),), station, ruled.address).push(0, "signed/app:1")
    image, secret = f"{ruled.address}/signed/app@{in_layout(single).digest}", {"COSIGN_PASSWORD": "secret"}
    station.run("cosign", "generate-key-pair", variables=secret)
    for by in ("first", "second"):
        sign = ("sign", "--yes", "--tlog-upload=false", "--key=cosign.key", "-a", f"by={by}", image)
        station.run("cosign", *sign, variables=secret)
    claims = json.loads(station.run("cosign", "verify", "--insecure-ignore-tlog=true", "--key=cosign.pub", image))
    assert {claim["optional"]["by"] for claim in claims} == {"first", "second"}
    assert "immutable" in station.refused("crane", "delete", f"{ruled.address}/signed/app:1")
