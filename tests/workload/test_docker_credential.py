"""The protocol of docker's credential helpers, and the file in which logins are kept."""

import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from orlop.faces.cli.sign_in.docker_credential import main
from orlop.ports.logins import Login
from orlop.ports.management import SavedSignIn
from orlop.ports.upstream import UpstreamError
from tests.workload.issuers import gitlab_claims
from tests.workload.keys import rsa, sign
from tests.workload.scene import NOW
from tests.workload.tools import ToolsAt

TOKEN = sign({"iss": "https://gitlab.com", **gitlab_claims(NOW)}, rsa("key-1"))
LOGIN = {"ServerURL": "registry.example.com", "Username": "ada", "Secret": "a secret: ü"}


class Helper:
    """The program, run in this process."""

    def __init__(self, tools: ToolsAt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.tools = tools
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *arguments: str, sent: str = "", code: int = 0) -> str:
        """What it prints."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent.encode())))
        assert main(arguments, self.tools) == code
        return self._capsys.readouterr().out.strip()

    def get(self, server: str) -> Any:
        """What it answers to `get`."""
        return json.loads(self.run("get", sent=server))


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Helper:
    return Helper(ToolsAt(tmp_path), monkeypatch, capsys)


def test_store_get_list_erase(helper: Helper) -> None:
    assert helper.run("store", sent=json.dumps(LOGIN)) == ""
    assert helper.get("registry.example.com\n") == LOGIN
    # docker asks with what it was told, which may be a URL.
    assert helper.get("https://registry.example.com/v2/")["Secret"] == LOGIN["Secret"]
    assert json.loads(helper.run("list")) == {"registry.example.com": "ada"}
    assert helper.run("erase", sent="registry.example.com") == ""
    assert helper.run("erase", sent="registry.example.com") == ""
    assert json.loads(helper.run("list")) == {}
    assert helper.run("get", sent="registry.example.com", code=1) == "credentials not found in native keychain"


def test_what_is_kept_is_its_owner_s_alone(helper: Helper) -> None:
    helper.run("store", sent=json.dumps(LOGIN))
    (file,) = (path for path in helper.tools.folder.rglob("*") if path.is_file())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0
    file.chmod(0o644)
    helper.run("store", sent=json.dumps(LOGIN))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_login_the_identity_of_the_place_is_given(helper: Helper) -> None:
    helper.tools.environment["REGISTRY_ID_TOKEN"] = TOKEN
    assert helper.get("localhost:5000") == {"ServerURL": "localhost:5000", "Username": "oidc", "Secret": TOKEN}
    # A login that was made is what is meant; and nobody's token goes to Docker Hub.
    helper.run("store", sent=json.dumps(LOGIN | {"ServerURL": "localhost:5000"}))
    assert helper.get("localhost:5000")["Username"] == "ada"
    for hub in ("https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"):
        assert helper.run("get", sent=hub, code=1) == "credentials not found in native keychain"


@pytest.mark.parametrize("url", ["https://registry.example.com", "http://registry.example.com"])
def test_what_our_own_login_kept_is_given(helper: Helper, url: str) -> None:
    helper.tools.environment["REGISTRY_ID_TOKEN"] = TOKEN
    helper.tools.saved().save(SavedSignIn(url, "ada", "orlop_pat_x"))
    assert helper.get("registry.example.com")["Secret"] == "orlop_pat_x"
    helper.tools.saved().save(SavedSignIn(url, "oidc", "an older token"))
    assert helper.get("registry.example.com")["Secret"] == TOKEN


@pytest.mark.parametrize(
    ("action", "sent", "said"),
    [
        ("get", "", "no credentials server URL"),
        ("get", "\n", "no credentials server URL"),
        ("erase", "", "no credentials server URL"),
        ("store", json.dumps(LOGIN | {"ServerURL": ""}), "no credentials server URL"),
        ("store", json.dumps(LOGIN | {"Username": ""}), "no credentials username"),
        ("store", "", "what came is not a JSON object with ServerURL, Username and Secret"),
        ("store", "[]", "what came is not a JSON object with ServerURL, Username and Secret"),
        ("store", json.dumps({"ServerURL": 1}), "what came is not a JSON object with ServerURL, Username and Secret"),
        ("get", "not a registry", "a registry is written host or host:port"),
        ("get", "https://", "a registry is written host or host:port"),
        ("get", "host:99999", "a registry is written host or host:port"),
    ],
)
def test_what_is_wrong_is_said_on_standard_output(helper: Helper, action: str, sent: str, said: str) -> None:
    assert helper.run(action, sent=sent, code=1) == said


@pytest.mark.parametrize("arguments", [(), ("get", "get"), ("unlock",), ("--help",)])
def test_other_words_are_not_understood(helper: Helper, arguments: tuple[str, ...]) -> None:
    assert helper.run(*arguments, code=1) == ""


def test_it_says_its_version(helper: Helper) -> None:
    assert helper.run("version").startswith("docker-credential-orlop (orlop) ")


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"registries": {"a": 1}}', b"\xff"])
def test_a_file_that_is_damaged_is_said_and_not_overwritten(helper: Helper, content: bytes) -> None:
    helper.run("store", sent=json.dumps(LOGIN))
    (file,) = (path for path in helper.tools.folder.rglob("*") if path.is_file())
    file.write_bytes(content)
    assert "is not a file of logins" in helper.run("store", sent=json.dumps(LOGIN), code=1)
    assert "is not a file of logins" in helper.run("get", sent="registry.example.com", code=1)
    assert file.read_bytes() == content


async def test_docker_s_file_keeps_what_else_stands_in_it(tmp_path: Path) -> None:
    file = tmp_path / ".docker" / "config.json"
    file.parent.mkdir()
    whole = {"auths": {"other.example": {"auth": "eA=="}}, "proxies": {"default": {}}, "detachKeys": "ctrl-e"}
    file.write_text(json.dumps(whole))
    where = await ToolsAt(tmp_path).docker().keep("localhost:5000", Login("oidc", "a:token"))
    assert where == str(file)
    now = json.loads(file.read_text())
    assert now["auths"].pop("localhost:5000") == {"auth": "b2lkYzphOnRva2Vu"}
    assert now == whole
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_docker_s_file_may_name_a_program(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-heard"
    program.write_text('#!/bin/sh\ncat > "$HEARD"\n[ "$1" = store ]\n')
    program.chmod(0o755)
    heard = tmp_path / "heard"
    file = tmp_path / "config.json"
    environment = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin", "HEARD": str(heard)}
    for config in ({"credsStore": "heard"}, {"credHelpers": {"localhost:5000": "heard"}, "credsStore": "other"}):
        file.write_text(json.dumps(config))
        where = await ToolsAt(tmp_path, environment).docker().keep("localhost:5000", Login("oidc", "token"))
        assert where == "docker-credential-heard"
        assert json.loads(heard.read_text()) == {"ServerURL": "localhost:5000", "Username": "oidc", "Secret": "token"}
        assert json.loads(file.read_text()) == config


@pytest.mark.parametrize(
    "config",
    [
        {"credsStore": "missing"},
        {"credsStore": "../evil"},
        {"credsStore": 7},
        {"credsStore": "fails"},
        {"auths": ["x"]},
        {"credHelpers": "x"},
    ],
)
async def test_docker_s_file_that_cannot_be_used_is_said(tmp_path: Path, config: dict[str, Any]) -> None:
    program = tmp_path / "docker-credential-fails"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho the keychain is locked\nexit 1\n")
    program.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps(config))
    environment = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    with pytest.raises(UpstreamError):
        await ToolsAt(tmp_path, environment).docker().keep("localhost:5000", Login("oidc", "token"))
