"""A registry with something of everything on it, and the people who look at its pages."""

import base64
import json
from typing import Any
from urllib.parse import quote

from tests.content import Piece, Pushable, artifact, blob, image, index, platform_index
from tests.oidc.machines import Chromium
from tests.servers import OrlopServer
from tests.wire.answer import Answer
from tests.wire.sockets import Connection

PASSWORD = "a phrase for the tests"
#: Text that would do something on a page that did not escape it.
HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"

_HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


class Site:
    """A server whose data is its own, and a browser beside it."""

    def __init__(self, server: OrlopServer, browser: Chromium) -> None:
        self.server = server
        self.browser = browser

    @property
    def base(self) -> str:
        """Where a browser finds it."""
        return f"http://localhost:{self.server.port}"

    # --- What the API and clients do --------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: object = None, *, who: str = "admin", **headers: str) -> Any:
        """Something of the API, which has to be allowed; what it gives."""
        sent = json.dumps(body).encode() if body is not None else b""
        lines = [_basic(who), *(["content-type: application/json"] if sent else [])]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        answer = self._asked(method, f"/api/v1/{path}", *lines, body=sent)
        assert answer.status in {200, 201, 202, 204}, (method, path, answer.status, answer.body)
        return json.loads(answer.body) if answer.body else None

    def put(self, path: str, body: object) -> Any:
        """Something new."""
        return self.ask("PUT", path, body, if_none_match="*")

    def push(self, repository: str, what: Pushable, *tags: str, who: str = "admin") -> None:
        """As a client does."""
        for part in what.everything():
            for piece in part.blobs:
                self._blob(repository, piece, who)
            self._manifest(repository, part, str(part.digest), who)
        for tag in tags:
            self._manifest(repository, what, tag, who)

    def pull(self, repository: str, reference: str, who: str = "admin") -> None:
        """Only the manifest."""
        answer = self._asked("GET", f"/v2/{repository}/manifests/{reference}", _basic(who))
        assert answer.status == 200, answer

    def delete(self, repository: str, reference: str) -> None:
        """As a client does."""
        answer = self._asked("DELETE", f"/v2/{repository}/manifests/{reference}", _basic("admin"))
        assert answer.status == 202, answer

    def _asked(self, method: str, target: str, *lines: str, body: bytes = b"") -> Answer:
        """On a connection of its own: browsers take their time, and a server ends what is idle."""
        with Connection(self.server.port) as connection:
            return connection.ask(method, target, *lines, body=body)

    def _blob(self, repository: str, piece: Piece, who: str) -> None:
        target = f"/v2/{repository}/blobs/uploads/?digest={quote(piece.digest)}"
        answer = self._asked("POST", target, _basic(who), body=piece.content)
        assert answer.status == 201, answer

    def _manifest(self, repository: str, what: Pushable, reference: str, who: str) -> None:
        target = f"/v2/{repository}/manifests/{reference}"
        lines = _basic(who), f"content-type: {what.media_type}"
        answer = self._asked("PUT", target, *lines, body=what.content)
        assert answer.status == 201, answer

    # --- What people do ---------------------------------------------------------------------------------------------

    def sign_in(self, name: str, *, scripts: bool = True) -> None:
        """A browser that knew nothing, with the form."""
        self.browser.fresh(width=1280, scripts=scripts)
        if name:
            self.browser.goto(f"{self.base}/login")
            self.browser.fill("main [name=name]", name)
            self.browser.fill("main [name=password]", PASSWORD)
            self.browser.click("main form[action='/login'] button")

    def open(self, path: str) -> int:
        """A page of it; the status."""
        return self.browser.goto(f"{self.base}{path}")


def _basic(name: str) -> str:
    return f"authorization: Basic {base64.b64encode(f'{name}:{PASSWORD}'.encode()).decode()}"


def fill(site: Site) -> None:
    """People with rights of all kinds, and content of all kinds."""
    for name, role in (("ada", "owner"), ("rita", "reader"), ("grace", "")):
        site.ask("POST", "users", {"name": name, "password": PASSWORD})
        site.ask("PUT", f"users/{name}/password", {"password": PASSWORD, "must_change": False})
        if role:
            place = {"kind": "namespace", "path": "team"}
            site.ask("POST", "grants", {"principal": name, "role": role, "place": place})
    site.put("namespaces/team", {"description": f"The team {HOSTILE}"})
    site.put("namespaces/open", {"visibility": "public"})
    site.push("open/base", image("base"), "latest")
    for number in range(1, 5):
        site.push("team/app", platform_index(f"app-{number}"), f"1.{number}.0", "prod")
    site.push("team/app", image("hostile", annotations={"org.opencontainers.image.description": HOSTILE}), "x" * 128)
    subject = platform_index("app-4")
    site.push("team/app", artifact("sbom", subject=subject))
    site.push("team/chart", _chart(), "0.1.0")
    site.push("team/cache", index("cache", [blob("cached")]), "buildcache")
    site.pull("team/app", "prod")
    site.put("tag-rules/releases?path=team", {"tags": ["*.*.*"], "immutable": True})
    site.push("team/gone", image("gone"), "z" * 128)
    site.delete("team/gone", "z" * 128)
    site.put("quotas/team?path=team", {"bytes": "50MiB", "warn": 80})
    site.put(
        "retention-rules/builds?path=team",
        {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-*"], "newest": 20}]},
    )


def _chart() -> Pushable:
    """A Helm chart, as its client pushes one."""
    about = Piece(
        "chart.config", _HELM_CONFIG, json.dumps({"name": "chart", "version": "0.1.0", "apiVersion": "v2"}).encode()
    )
    content = blob("chart", media_type=_HELM_CHART)
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": about.descriptor(),
        "layers": [content.descriptor()],
    }
    piece = Piece("chart", document["mediaType"], json.dumps(document).encode())  # type: ignore[arg-type]
    return Pushable(piece, (about, content))
