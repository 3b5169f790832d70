"""A scanner's adapter, written from the specification beside it and strict: every request is checked against its
schemas and headers, and what it is given to pull with has to be good for that repository and for nothing else."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import jsonschema
import yaml

_SPEC = yaml.safe_load((Path(__file__).parent / "scanner-adapter-openapi-v1.2.yaml").read_text())

REPORT = "application/vnd.security.vulnerability.report; version=1.1"
HARBOR_REPORT = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
IMAGES = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"]
SBOM_REPORT = "application/vnd.security.sbom.report+json; version=1.0"
_ERROR = "application/vnd.scanner.adapter.error+json; version=1.0"
_METADATA = "application/vnd.scanner.adapter.metadata+json; version=1.1"


def check(value: object, schema: str) -> None:
    """Against a schema of the specification, in which nothing may stand that it does not name."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": _SPEC["components"]}
    jsonschema.Draft4Validator(whole).validate(value)
    known = _SPEC["components"]["schemas"][schema].get("properties", {})
    assert isinstance(value, dict)
    assert set(value) <= set(known), f"{set(value) - set(known)} are not in {schema}"


def finding(id: str, package: str, severity: str = "High", fixed: str = "2") -> dict[str, Any]:  # noqa: A002
    """A vulnerability as reports have it."""
    said = {"id": id, "package": package, "version": "1", "fix_version": fixed, "severity": severity}
    made = said | {"description": f"{id} of {package}", "links": [f"https://example.org/{id}"]}
    check(made, "VulnerabilityItem")
    return made


class Adapter:
    """What it does is set by its fields; what it was asked, and what was wrong with that, is told by others."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] | None = [finding("CVE-2026-1", "bash"), finding("CVE-2026-2", "libc", "Low")]
        self.produces = [REPORT, HARBOR_REPORT]
        self.judges = True
        """Whether it makes reports of vulnerabilities at all."""
        self.sboms: list[str] = []
        """Media types of SBOMs that it makes."""
        self.sbom_of: Callable[[str], dict[str, Any]] = lambda type_: {
            "media_type": type_,
            "sbom": {"of": "tests"},
        }
        self.header: tuple[str, str] | None = None
        """What it wants to be signed in with."""
        self.waits = 1
        """How often a report is not there yet."""
        self.says: Callable[[str, str], tuple[int, dict[str, str], bytes] | None] = lambda method, path: None
        """Answers in its place, where it gives something."""
        self.endless = False
        self.hangs = threading.Event()
        self.hangs.set()
        self.asked: list[str] = []
        self.orders: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.url = ""
        self.name, self.version = "Strict", "1.0"

    def failing(self, part: str, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer so wherever the path has that part."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.says = lambda method, path: (status, given, body) if part in path else None

    def well(self) -> None:
        """Work again."""
        self.says, self.endless = lambda method, path: None, False

    @contextmanager
    def listening(self, port: int = 0) -> Iterator["Adapter"]:
        """Listen until the block ends."""
        adapter = self

        class Handler(_Handler):
            of = adapter

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.hangs.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def report(self, order: dict[str, Any]) -> dict[str, Any]:
        """Of the image of an order."""
        scanner = {"name": self.name, "vendor": "Tests", "version": self.version}
        made = {"generated_at": "2026-12-02T14:00:00Z", "artifact": order["artifact"], "scanner": scanner}
        said = made | {"severity": "High", "vulnerabilities": self.found}
        if self.found is not None:
            check(said, "HarborVulnerabilityReport")
        return said

    def metadata(self) -> dict[str, Any]:
        """What it says of itself."""
        capability = {"type": "vulnerability", "consumes_mime_types": IMAGES, "produces_mime_types": self.produces}
        scanner = {"name": self.name, "vendor": "Tests", "version": self.version}
        capabilities: list[dict[str, Any]] = [capability] if self.judges else []
        if self.sboms:
            makes = {"additional_attributes": {"sbom_media_types": self.sboms}, "produces_mime_types": [SBOM_REPORT]}
            capabilities.append({"type": "sbom", "consumes_mime_types": IMAGES, **makes})
        said = {"scanner": scanner, "capabilities": capabilities, "properties": {"tests": "yes"}}
        check(said, "ScannerAdapterMetadata")
        return said

    def accept(self, body: bytes) -> str:
        """Take a scan, and try what it gives to pull with."""
        order = json.loads(body)
        check(order, "ScanRequest")
        check(order["artifact"], "Artifact")
        check(order["registry"], "Registry")
        capability, *more = order["enabled_capabilities"]
        if not self.judges:
            assert (capability["type"], more) == ("sbom", []), "it judges nothing"
            capability, more = {"type": "vulnerability", "produces_mime_types": []}, [capability]
        for one in more:
            check(one["parameters"], "SbomParameters")
            assert (one["type"], one["produces_mime_types"]) == ("sbom", [SBOM_REPORT])
            assert set(one["parameters"]["sbom_media_types"]) <= set(self.sboms)
        assert capability["type"] == "vulnerability"
        assert set(capability["produces_mime_types"]) <= set(self.produces)
        registry, artifact = order["registry"], order["artifact"]
        repository = artifact["repository"]
        status, manifest = pulled(registry, f"{repository}/manifests/{artifact['digest']}")
        assert status == 200, f"the manifest is {status}"
        assert f"sha256:{sha256(manifest).hexdigest()}" == artifact["digest"]
        parsed = json.loads(manifest)
        assert parsed["mediaType"] == artifact["mime_type"]
        for blob in (parsed["config"], *parsed["layers"]):
            status, content = pulled(registry, f"{repository}/blobs/{blob['digest']}")
            assert (status, len(content)) == (200, blob["size"])
        for elsewhere in (
            f"{repository}-other/manifests/{artifact['digest']}",
            f"other/app/manifests/{artifact['digest']}",
            f"{repository}/tags/list",
            "_catalog",
        ):
            assert pulled(registry, elsewhere)[0] in {401, 403, 404}, f"{elsewhere} is open to it"
        for method, path in (("POST", f"{repository}/blobs/uploads/"), ("DELETE", f"{repository}/manifests/1")):
            assert pulled(registry, path, method)[0] in {401, 403}, f"{method} {path} is open to it"
        for path in ("api/v1/users", "api/v1/me", "api/v1/scanners"):
            assert pulled(registry, path, base="")[0] in {401, 403}, f"{path} is open to it"
        assert pulled(registry, "token?service=orlop", base="")[0] in {400, 401, 403}, "it fetches another token"
        self.orders.append(order)
        return f"scan/{len(self.orders)} of ä"


def pulled(registry: dict[str, str], path: str, method: str = "GET", base: str = "v2/") -> tuple[int, bytes]:
    """What the registry answers whoever comes with that authorization."""
    url, headers = f"{registry['url']}/{base}{path}", {"Authorization": registry["authorization"]}
    request = urllib.request.Request(url, headers=headers, method=method, data=b"" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class _Handler(BaseHTTPRequestHandler):
    of: ClassVar[Adapter]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Nothing is written."""

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        adapter = self.of
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        adapter.asked.append(f"{method} {self.path}")
        adapter.hangs.wait()
        try:
            status, headers, answer = adapter.says(method, self.path) or self._answer(method, body)
        except (AssertionError, jsonschema.ValidationError, KeyError, ValueError) as cause:
            adapter.wrong.append(f"{method} {self.path}: {cause!r}"[:1000])
            status, headers = 400, {"Content-Type": _ERROR}
            answer = json.dumps({"error": {"message": f"wrong: {cause!r}"[:300]}}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(1 << 40) if adapter.endless else str(len(answer)))
        self.end_headers()
        try:
            self.wfile.write(answer)
            while adapter.endless:
                self.wfile.write(b" " * 65_536)
        except OSError:
            self.close_connection = True

    def _answer(self, method: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        adapter, accept = self.of, self.headers.get("Accept", "")
        if adapter.header is not None:
            name, value = adapter.header
            if self.headers.get(name) != value:
                return 401, {"Content-Type": _ERROR}, b'{"error": {"message": "who are you?"}}'
        else:
            assert "Authorization" not in self.headers
        if (method, self.path) == ("GET", "/api/v1/metadata"):
            assert _METADATA in accept
            return 200, {"Content-Type": _METADATA}, json.dumps(adapter.metadata()).encode()
        if (method, self.path) == ("POST", "/api/v1/scan"):
            type_ = self.headers.get("Content-Type")
            assert type_ == "application/vnd.scanner.adapter.scan.request+json; version=1.1", type_
            response = "application/vnd.scanner.adapter.scan.response+json; version=1.0"
            assert response in accept
            made = {"id": adapter.accept(body)}
            return 202, {"Content-Type": response}, json.dumps(made).encode()
        for number, order in enumerate(adapter.orders, 1):
            path = f"/api/v1/scan/scan%2F{number}%20of%20%C3%A4/report"
            if (method, self.path) == ("GET", path) and adapter.judges:
                if adapter.asked.count(f"GET {path}") <= adapter.waits:
                    # A redirect to elsewhere would be wrong to follow: it says wait.
                    return 302, {"Refresh-After": "1", "Location": f"{adapter.url}/elsewhere"}, b""
                assert accept in adapter.produces, accept
                return 200, {"Content-Type": accept}, json.dumps(adapter.report(order)).encode()
            wanted = {f"{path}?sbom_media_type={quote(each, safe='')}": each for each in adapter.sboms}
            if method == "GET" and self.path in wanted:
                assert accept == SBOM_REPORT, accept
                assert len(order["enabled_capabilities"]) == 1 + adapter.judges
                if adapter.asked.count(f"GET {self.path}") <= adapter.waits:
                    return 302, {"Refresh-After": "1"}, b""
                made = adapter.sbom_of(wanted[self.path]) | {"artifact": order["artifact"]}
                check(made, "HarborSbomReport")
                return 200, {"Content-Type": accept}, json.dumps(made).encode()
        if self.path.startswith("/api/v1/scan/"):
            return 404, {}, b""
        raise AssertionError("the specification knows no such path")


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    """What it gives, once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to be")
