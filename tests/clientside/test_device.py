"""`orlop login` by a browser, from the command to a page of a real server and back."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.servers import OrlopServer, orlop_server

pytestmark = pytest.mark.slow

PASSWORD = "a phrase for the tests"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrlopServer]:
    with orlop_server(tmp_path_factory.mktemp("device"), open=False, admin_password=PASSWORD, workers=2) as server:
        yield server
        server.verify()


class Pages:
    """A browser without scripts."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
        )

    def open(self, path: str) -> str:
        """A page."""
        return self._ask(path, None)

    def submit(self, path: str, page: str, **fields: str) -> str:
        """The form of a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page
        return self._ask(path, {"csrf": found[1], **fields})

    def _ask(self, path: str, form: dict[str, str] | None) -> str:
        body = urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(f"{self._base}{path}", body, {"origin": self._base})
        with self._opener.open(request, timeout=30) as answer:
            return str(answer.read().decode())


def run(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "no_proxy": "*", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "orlop", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_browser_signs_a_command_in(server: OrlopServer, tmp_path: Path, answer: str) -> None:
    login = run(tmp_path, "login", server.address, "--device")
    assert login.stderr is not None
    told = login.stderr.readline()
    try:
        base, _, rest = told.removeprefix("open ").strip().partition("/device")
        assert (base, rest) == (f"http://{server.address}", "")
        code = login.stderr.readline().removeprefix("and type the code ").partition(" ")[0]
        pages = Pages(base)
        pages.submit("/login", pages.open("/login"), name="admin", password=PASSWORD, next="/")
        page = pages.submit("/device", pages.open("/device"), code=code)
        assert "orlop login on" in page
        done = pages.submit("/device", page, code=code, answer=answer, use="all", days="7")
        assert ("Go back to the program" if answer == "yes" else "Nothing was given to it") in done
        out, errors = login.communicate(timeout=60)
    finally:
        login.kill()
        login.wait()
    if answer == "no":
        assert login.returncode == 1
        assert "refused" in errors
        return
    assert out == f"signed in at {base} as admin\n"
    for arguments, expected in ((("token", "ls"), "command line at 127.0.0.1"), (("logout",), "signed out")):
        command = run(tmp_path, *arguments)
        out, errors = command.communicate(timeout=60)
        assert command.returncode == 0, errors
        assert expected in out


def test_a_device_and_a_name_are_two_ways(server: OrlopServer, tmp_path: Path) -> None:
    login = run(tmp_path, "login", server.address, "--device", "--user", "ada")
    assert "leave --user" in login.communicate(timeout=60)[1]
    assert login.returncode == 2
