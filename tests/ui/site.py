"""A registry with something of everything on it, and the people who look at its pages."""

import json

from tests.content import Piece, Pushable, artifact, blob, image, index, platform_index
from tests.managed import PASSWORD as PASSWORD
from tests.managed import Managed
from tests.oidc.machines import Chromium
from tests.servers import OrlopServer

#: Text that would do something on a page that did not escape it.
HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"

_HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


class Site(Managed):
    """A server whose data is its own, and a browser beside it."""

    def __init__(self, server: OrlopServer, browser: Chromium) -> None:
        super().__init__(server)
        self.browser = browser

    @property
    def base(self) -> str:
        """Where a browser finds it."""
        return f"http://localhost:{self.server.port}"

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
