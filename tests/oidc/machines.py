"""What these tests run beside Orlop: an identity provider and a browser, both from this folder's node packages."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.needs import lack, need
from tests.servers import free_port

FOLDER = Path(__file__).parent
CLIENT, SECRET = "orlop", "a secret of a test, long enough"

#: How long either may take to start, and how long anything may take in the browser, in seconds.
_PATIENCE = 90.0


def node() -> str:
    """The program that runs both; skips the test without it or its packages."""
    program = need("node")["node"]
    if not (FOLDER / "node_modules" / "playwright-core").is_dir():
        lack("not installed: the node packages of tests/oidc (npm ci)")
    return program


class Provider:
    """An OpenID provider whose people are a file that may change at any time."""

    def __init__(self, folder: Path, name: str, registry: str, *, claims_in_token: bool) -> None:
        self.name = name
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._path = folder / f"{name}.json"
        self._said: dict[str, Any] = {
            "port": self.port,
            "claimsInToken": claims_in_token,
            "people": {},
            "clients": [
                {
                    "client_id": CLIENT,
                    "client_secret": SECRET,
                    "redirect_uris": [f"{registry}/login/callback/{name}"],
                    "grant_types": ["authorization_code", "refresh_token"],
                    "response_types": ["code"],
                    "scope": "openid profile email groups offline_access",
                    "backchannel_logout_uri": f"{registry}/login/backchannel/{name}",
                    "backchannel_logout_session_required": True,
                }
            ],
        }

    def knows(self, **people: Mapping[str, Any]) -> None:
        """These people, and nobody else any more."""
        self._said["people"] = people
        self._path.write_text(json.dumps(self._said))

    def document(self, **rules: Any) -> dict[str, Any]:
        """It, as Orlop is told of it."""
        return {
            "type": "oidc",
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scopes": ["openid", "profile", "email", "groups", "offline_access"],
            "prompt": "consent",
            **rules,
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the block ends."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [node(), str(FOLDER / "provider.mjs"), str(self._path)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        try:
            deadline = time.monotonic() + _PATIENCE
            while not self._answers():
                assert process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Chromium:
    """A browser of one tab. Each method is one thing that a person does or sees in it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def fresh(self, *, dark: bool = False, width: int = 1100, scripts: bool = True) -> None:
        """As if it was just installed; `scripts`: pages may run theirs."""
        self._do("fresh", dark=dark, width=width, scripts=scripts)

    def look(self, *, dark: bool, width: int) -> None:
        """Look at the page that is open in another light, or in another width, in pixels."""
        self._do("look", dark=dark, width=width)

    def goto(self, url: str) -> int:
        """Open an address; the status that came last."""
        return int(self._do("goto", url=url))

    def fill(self, selector: str, text: str) -> None:
        self._do("fill", selector=selector, text=text)

    def select(self, selector: str, value: str) -> None:
        self._do("select", selector=selector, value=value)

    def click(self, selector: str) -> None:
        self._do("click", selector=selector)

    def check(self, selector: str) -> None:
        """Tick a box."""
        self._do("check", selector=selector)

    def frames(self) -> list[tuple[str, str]]:
        """What frames within the page show: the address of each, and its text."""
        return [(url, text) for url, text in self._do("frames")]

    def drawn(self, selector: str) -> int:
        """How many pixels were drawn on the canvas there."""
        return int(self._do("drawn", selector=selector))

    def wait(self, url: str) -> None:
        """Until the address matches."""
        self._do("wait", url=url)

    def text(self, selector: str = "main") -> str:
        """What is to be read there."""
        return str(self._do("text", selector=selector))

    def texts(self, selector: str) -> list[str]:
        """What is to be read in each that fits."""
        return [str(text).strip() for text in self._do("texts", selector=selector)]

    def until(self, expression: str) -> None:
        """Wait until this is true of the page."""
        self._do("until", expression=expression)

    def count(self, selector: str) -> int:
        return int(self._do("count", selector=selector))

    def cookies(self) -> list[dict[str, Any]]:
        return list(self._do("cookies"))

    def html(self, selector: str = "main") -> str:
        """What stands there, as it was written."""
        return str(self._do("html", selector=selector))

    def press(self, key: str) -> None:
        self._do("press", key=key)

    def focused(self) -> str:
        """The words of what the next key goes to, or its id where it has none."""
        return str(self._do("focused"))

    def clipboard(self) -> str:
        """What was copied last."""
        return str(self._do("clipboard"))

    def asked(self) -> list[str]:
        """Every address that was asked for since it was fresh."""
        return list(self._do("asked"))

    def beyond(self) -> list[str]:
        """What makes the page wider than its window: elements, by their names and classes."""
        return (list(self._do("wide")) or ["something"]) if self._do("beyond") else []

    def weight(self) -> dict[str, int]:
        """What the page took, in bytes as they came over the wire, by address; nothing for what it had kept."""
        return {name: int(size) for name, size in self._do("weight")}

    def barriers(self) -> list[tuple[str, list[str]]]:
        """Where the page breaks WCAG 2.2 AA, as far as axe can tell: the rule, and the elements."""
        return [(rule, list(nodes)) for rule, nodes in self._do("axe")]

    def shot(self, path: Path, *, whole: bool = True) -> None:
        """A picture of the whole page, or of what its window shows."""
        self._do("shot", path=str(path), whole=whole)

    def authenticator(self) -> None:
        """Give it something that holds passkeys, whose owner always agrees."""
        self._do("authenticator")

    def complaints(self, site: str) -> list[tuple[str, str]]:
        """What it found wrong with the pages of a site, and where: scripts and styles that were refused, errors."""
        return list(self._do("complaints", site=site))

    @property
    def url(self) -> str:
        return str(self._do("url"))

    def _do(self, what: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the browser is gone"}')
        assert "error" not in answer, f"{what} {more}: {answer}"
        return answer["result"]


@contextmanager
def browsing() -> Iterator[Chromium]:
    """A browser until the block ends."""
    program = need("chromium")["chromium"]
    process = subprocess.Popen(
        [node(), str(FOLDER / "browser.mjs"), program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    try:
        browser = Chromium(process)
        browser.fresh()
        yield browser
    finally:
        process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
