"""Credential files of docker and podman, and the programs they name."""

import base64
import json
import os
from pathlib import Path

import msgspec
import pytest

from orlop.adapters.upstream.credentials import CredentialFiles, Credentials
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import UpstreamError


def auth(user: str, password: str) -> dict[str, str]:
    """An entry of `auths`."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, document: object) -> None:
    """A file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def program(folder: Path, name: str, script: str) -> dict[str, str]:
    """A credential program on a PATH of its own."""
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"}


def bare(found: Credentials | None) -> Credentials | None:
    """Credentials without what keeps them."""
    return msgspec.structs.replace(found, kept_by="") if found is not None else None


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("https://quay.io", "quay.io"),
        ("https://quay.io/v2/", "quay.io"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("http://[::1]:5000/", "[::1]:5000"),
    ],
)
async def test_every_way_to_write_a_registry_is_found(tmp_path: Path, key: str, registry: str) -> None:
    write(tmp_path / ".docker" / "config.json", {"auths": {key: auth("ada", "pass:word")}, "HttpHeaders": {"x": "y"}})
    files = CredentialFiles({}, tmp_path)
    assert bare(await files.find(registry)) == Credentials("ada", "pass:word")
    assert await files.find("other.example") is None


async def test_files_are_asked_in_order(tmp_path: Path) -> None:
    docker, named = tmp_path / "docker", tmp_path / "auth.json"
    write(docker / "config.json", {"auths": {"a.example": auth("docker", "1")}})
    write(tmp_path / "run" / "containers" / "auth.json", {"auths": {"b.example": auth("podman", "2")}})
    write(named, {"auths": {"c.example": auth("named", "3")}})
    environment = {"DOCKER_CONFIG": str(docker), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    files = CredentialFiles(environment, tmp_path)
    assert bare(await files.find("a.example")) == Credentials("docker", "1")
    assert bare(await files.find("b.example")) == Credentials("podman", "2")
    alone = CredentialFiles({**environment, "REGISTRY_AUTH_FILE": str(named)}, tmp_path)
    assert bare(await alone.find("c.example")) == Credentials("named", "3")
    assert await alone.find("a.example") is None


async def test_the_longest_path_wins(tmp_path: Path) -> None:
    entries = {
        "q.example": auth("all", "1"),
        "q.example/team": auth("team", "2"),
        "q.example/team/app": auth("app", "3"),
    }
    write(tmp_path / ".docker" / "config.json", {"auths": entries})
    files = CredentialFiles({}, tmp_path)
    for repository, user in (("team/app", "app"), ("team/app/sub", "app"), ("team/api", "team"), ("teams", "all")):
        found = await files.find("q.example", RepositoryName(repository))
        assert found is not None
        assert found.username == user


async def test_identity_tokens_are_told_from_passwords(tmp_path: Path) -> None:
    write(tmp_path / ".docker" / "config.json", {"auths": {"a.example": {**auth("x", ""), "identitytoken": "token"}}})
    found = await CredentialFiles({}, tmp_path).find("a.example")
    assert bare(found) == Credentials("x", identity_token="token")
    assert found is not None
    assert found.kept_by == str(tmp_path / ".docker" / "config.json")
    assert "token" not in repr(Credentials("ada", "password", "token"))
    assert "password" not in repr(Credentials("ada", "password", "token"))


async def test_programs_are_asked(tmp_path: Path) -> None:
    write(
        tmp_path / ".docker" / "config.json",
        {"auths": {"a.example": {}}, "credsStore": "store", "credHelpers": {"b.example": "helper"}},
    )
    environment = program(tmp_path, "store", 'read -r key; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$key\\"}"')
    program(tmp_path, "helper", 'cat > /dev/null; echo \'{"Username":"<token>","Secret":"identity"}\'')
    files = CredentialFiles(environment, tmp_path)
    assert bare(await files.find("a.example")) == Credentials("get", "a.example")
    assert bare(await files.find("docker.io")) == Credentials("get", "https://index.docker.io/v1/")
    assert bare(await files.find("b.example")) == Credentials(identity_token="identity")


async def test_a_program_that_knows_nothing_is_no_error(tmp_path: Path) -> None:
    write(tmp_path / ".docker" / "config.json", {"auths": {"a.example": auth("ada", "x")}, "credsStore": "store"})
    environment = program(tmp_path, "store", "echo 'credentials not found in native keychain'; exit 1")
    assert bare(await CredentialFiles(environment, tmp_path).find("a.example")) == Credentials("ada", "x")


@pytest.mark.parametrize("script", ["echo locked; exit 1", "echo nonsense", "exit 0", "echo '{\"Username\": 5}'"])
async def test_a_program_that_fails_is_an_error(tmp_path: Path, script: str) -> None:
    write(tmp_path / ".docker" / "config.json", {"credsStore": "store"})
    environment = program(tmp_path, "store", script)
    with pytest.raises(UpstreamError, match="docker-credential-store"):
        await CredentialFiles(environment, tmp_path).find("a.example")


@pytest.mark.parametrize("name", ["../evil", "a b", "a;touch x", "-x", "nosuchprogram"])
async def test_a_program_that_is_none_is_an_error(tmp_path: Path, name: str) -> None:
    write(tmp_path / ".docker" / "config.json", {"credsStore": name})
    with pytest.raises(UpstreamError):
        await CredentialFiles({"PATH": "/usr/bin"}, tmp_path).find("a.example")


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": 5}', "\x00", '{"auths": {"a.example": {"auth": "%%"}}}'])
async def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(content)
    with pytest.raises(UpstreamError):
        await CredentialFiles({}, tmp_path).find("a.example")


async def test_an_empty_file_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("\n")
    assert await CredentialFiles({}, tmp_path).find("a.example") is None
