"""Other scanners, from a push to what they say: the strict adapter of tests/scanning judges, and fails in many ways."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.scanning.adapter import Adapter, finding, pulled, until
from tests.servers import OrlopServer
from tests.serving import unhurried
from tests.wire.test_inside import BASE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    settings = {"open": False, "admin_password": PASSWORD, "workers": 2, "outbound_networks": "127.0.0.0/8"}
    server = OrlopServer(tmp_path_factory.mktemp("scanners"), settings)
    server.start()
    try:
        yield Managed(server)
    finally:
        server.kill()


@pytest.fixture
def adapter() -> Iterator[Adapter]:
    with Adapter().listening() as listening:
        yield listening
        assert listening.wrong == []


def scanner(api: Managed, adapter: Adapter, place: str, name: str = "strict", **more: Any) -> None:
    api.put(f"scanners/{name}?path={place}", {"url": adapter.url, **more})


def report(api: Managed, repository: str, name: str = "strict", reference: str = "1") -> Any:
    found = api.ask("GET", f"scan-reports?repository={repository}&reference={reference}")
    return next(each for each in found["reports"] if each["scanner"] == name)


def ended(api: Managed, repository: str, name: str = "strict", state: str = "judged", reference: str = "1") -> Any:
    def look() -> Any:
        found = report(api, repository, name, reference)
        return found if found["state"] == state else None

    return until(look)


def basic(name: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{PASSWORD}'.encode()).decode()}"


def vulnerabilities(api: Managed, repository: str, name: str = "strict") -> Any:
    return api.ask("GET", f"image-vulnerabilities?repository={repository}&reference=1&scanner={name}")


def test_a_pushed_image_is_judged_and_what_it_was_pulled_with_is_over(api: Managed, adapter: Adapter) -> None:
    scanner(api, adapter, "push")
    api.push("push/app", image("pushed", [BASE]), "1")
    found = ended(api, "push/app")
    assert (found["verdict"], found["counts"]) == ("findings", {"high": 1, "low": 1})
    assert (found["judged_by"], found["error"]) == ("Strict 1.0", "")
    said = vulnerabilities(api, "push/app")
    assert said["state"] == "read"
    assert [(one["id"], one["package"], one["source"]) for one in said["found"]] == [
        ("CVE-2026-1", "bash", "strict"),
        ("CVE-2026-2", "libc", "strict"),
    ]
    [order] = adapter.orders
    assert pulled(order["registry"], f"push/app/manifests/{order['artifact']['digest']}")[0] == 401
    status = api.ask("GET", "scanners/strict/status?path=push")
    assert (status["state"], status["scanner"], status["vendor"]) == ("healthy", "Strict", "Tests")


def test_several_judge_side_by_side_each_signed_in_to_in_its_way(api: Managed, adapter: Adapter) -> None:
    with Adapter().listening() as second, Adapter().listening() as third:
        adapter.header, adapter.waits = ("Authorization", "Basic YWRhOnNlY3JldA=="), 0
        second.header, second.waits, second.found = ("Authorization", "Bearer abc"), 0, None
        third.header, third.waits = ("X-ScannerAdapter-API-Key", "key"), 0
        third.produces = ["application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"]
        scanner(api, adapter, "side", "basic", user="ada", password="secret")
        scanner(api, second, "side", "bearer", token="abc")
        scanner(api, third, "side", "key", api_key="key")
        assert "abc" not in json.dumps(api.ask("GET", "scanners/bearer?path=side"))
        api.push("side/app", image("side by side", [BASE]), "1")
        assert ended(api, "side/app", "basic")["verdict"] == "findings"
        assert ended(api, "side/app", "bearer")["verdict"] == "clean"
        assert ended(api, "side/app", "key")["verdict"] == "findings"
        assert second.wrong + third.wrong == []
    listed = api.ask("GET", "image-vulnerabilities?repository=side/app&reference=1&scanner=bearer")
    assert (listed["state"], listed["found"], listed["counts"]) == ("read", [], {})


def test_a_scanner_that_is_away_is_said_and_what_it_said_stands(api: Managed, adapter: Adapter) -> None:
    """What was judged stays judged, and what was not stays without a verdict."""
    adapter.waits = 0
    scanner(api, adapter, "away")
    api.push("away/old", image("judged before", [BASE]), "1")
    ended(api, "away/old")
    adapter.failing("/", 503, b'{"error": {"message": "no room"}}')
    api.push("away/new", image("pushed while it is away", [BASE]), "1")
    status = until(lambda: (s := api.ask("GET", "scanners/strict/status?path=away"))["state"] == "unhealthy" and s)
    assert status["error"] == "it answered 503: no room when asked what it can do"
    assert (report(api, "away/new")["state"], report(api, "away/new")["verdict"]) == ("waiting", "none")
    said = vulnerabilities(api, "away/new")
    assert (said["state"], said["found"]) == ("waiting", [])
    assert said["remarks"][0] == "strict has said nothing of it yet, and that is not the same as clean"
    api.ask("POST", "scan-reports", {"image": "away/old:1", "scanner": "strict"})
    assert (report(api, "away/old")["state"], report(api, "away/old")["verdict"]) == ("waiting", "findings")
    assert vulnerabilities(api, "away/old")["state"] == "read"
    api.pull("away/old", "1")
    concerns = [each["text"] for each in api.ask("GET", "attention") if each["kind"] == "scanner"]
    assert concerns == [f"the scanner strict of away/ does not answer: {status['error']}"]
    adapter.well()
    assert api.ask("POST", "scanners/strict/checks?path=away")["state"] == "healthy"
    ended(api, "away/new")
    ended(api, "away/old")
    happened = [each["kind"] for each in api.ask("GET", "audit?n=200") if each["subject"] == "scanner strict"]
    assert {"scanner.unhealthy", "scanner.back", "scan.finished"} <= set(happened)


def test_a_report_that_is_none_is_said_and_a_rescan_leaves_the_image_as_it_was(api: Managed, adapter: Adapter) -> None:
    adapter.waits = 0
    scanner(api, adapter, "bad")
    api.push("bad/app", image("judged once", [BASE]), "1")
    ended(api, "bad/app")
    adapter.failing("/report", 500, b'{"error": {"message": "layer 3 is odd"}}')
    api.ask("POST", "scan-reports", {"image": "bad/app:1"})
    found = until(lambda: (one := report(api, "bad/app"))["error"] and one)
    assert (found["state"], found["error"]) == ("waiting", "it answered 500: layer 3 is odd")
    assert (found["verdict"], found["counts"]) == ("findings", {"high": 1, "low": 1})
    assert len(vulnerabilities(api, "bad/app")["found"]) == 2
    api.pull("bad/app", "1")


def test_a_scanner_that_does_not_do_it_says_so_once(api: Managed, adapter: Adapter) -> None:
    adapter.says = lambda method, path: (
        (422, {}, b'{"error": {"message": "artifact: no such type"}}') if path.endswith("/scan") else None
    )
    scanner(api, adapter, "cannot")
    api.push("cannot/app", image("cannot", [BASE]), "1")
    found = ended(api, "cannot/app", state="failed")
    assert (found["error"], found["verdict"]) == ("it answered 422: artifact: no such type", "none")
    adapter.well()
    adapter.produces = ["application/vnd.scanner.adapter.vuln.report.raw"]
    api.ask("POST", "scan-reports", {"image": "cannot/app:1"})
    found = ended(api, "cannot/app", state="passed")
    assert found["error"].startswith("Strict 1.0 makes no report of application/vnd.oci.image.manifest.v1+json")


def test_exceptions_accept_what_scanners_find(api: Managed, adapter: Adapter) -> None:
    adapter.waits = 0
    scanner(api, adapter, "except")
    until_day = {"until": "2099-01-31", "reason": "no network"}
    api.put("exceptions/one?path=except", {"cves": ["CVE-2026-1"], **until_day})
    api.put("exceptions/two?path=except", {"packages": ["pkg:deb/debian/libc"], **until_day})
    api.push("except/app", image("excepted", [BASE]), "1")
    ended(api, "except/app")
    until(lambda: api.ask("GET", "image-packages?repository=except/app&reference=1")["state"] == "read")
    said = vulnerabilities(api, "except/app")
    # Of libc only a name is known, as this registry found no such package: what is about a package URL accepts nothing.
    assert [(one["id"], (one["accepted"] or {}).get("name")) for one in said["found"]] == [
        ("CVE-2026-1", "one"),
        ("CVE-2026-2", None),
    ]
    assert (said["accepted"], said["counts"]) == (1, {"low": 1})
    assert said["found"][0]["purl"].startswith("pkg:deb/debian/bash@")


def test_the_newest_report_is_kept_beside_the_image(api: Managed, adapter: Adapter) -> None:
    adapter.waits = 0
    scanner(api, adapter, "attach", attach=True)
    pushed = image("attached", [BASE])
    api.push("attach/app", pushed, "1")
    first = ended(api, "attach/app")["attached"]

    def referrers() -> list[tuple[str, str, str]]:
        registry = {"url": api.server.url, "authorization": basic("admin")}
        _, body = pulled(registry, f"attach/app/referrers/{pushed.digest}")
        found = json.loads(body)["manifests"]
        return [(each["digest"], each["artifactType"], each["annotations"]["dev.orlop.scanner"]) for each in found]

    assert referrers() == [(first, "application/vnd.security.vulnerability.report", "strict")]
    adapter.found, adapter.version = [finding("CVE-2026-9", "bash", "Critical")], "1.1"
    api.ask("POST", "scan-reports", {"image": "attach/app:1"})
    second = until(lambda: (one := report(api, "attach/app"))["judged_by"] == "Strict 1.1" and one)["attached"]
    assert until(lambda: len(referrers()) == 1 and referrers())[0][0] == second != first


def test_an_sbom_that_it_makes_is_kept_beside_the_image(api: Managed, adapter: Adapter) -> None:
    adapter.sboms = ["application/spdx+json"]
    scanner(api, adapter, "sbom", sbom="spdx")
    pushed = image("with an SBOM", [BASE])
    api.push("sbom/app", pushed, "1")
    found = ended(api, "sbom/app")
    assert (found["verdict"], found["attached"], found["error"]) == ("findings", "", "")
    registry = {"url": api.server.url, "authorization": basic("admin")}

    def referrers() -> list[str]:
        _, body = pulled(registry, f"sbom/app/referrers/{pushed.digest}?artifactType=application/spdx%2Bjson")
        return [each["digest"] for each in json.loads(body)["manifests"]]

    first = found["attached_sbom"]
    assert referrers() == [first]
    _, manifest = pulled(registry, f"sbom/app/manifests/{first}")
    [layer] = json.loads(manifest)["layers"]
    assert layer["mediaType"] == "application/spdx+json"
    assert json.loads(pulled(registry, f"sbom/app/blobs/{layer['digest']}")[1]) == {"of": "tests"}

    adapter.sbom_of = lambda type_: {"media_type": "application/vnd.cyclonedx+json", "sbom": {}}
    api.ask("POST", "scan-reports", {"image": "sbom/app:1"})
    found = until(lambda: (one := report(api, "sbom/app"))["state"] == "judged" and one["error"] and one)
    said = "its SBOM is application/vnd.cyclonedx+json, and application/spdx+json was asked for"
    assert found["error"] == f"there is no SBOM: its SBOM cannot be read: {said}"
    assert (found["verdict"], found["attached_sbom"], referrers()) == ("findings", first, [first])


def test_one_that_makes_sboms_alone_gives_no_verdict_and_its_sbom_is_kept_and_shown(
    api: Managed, adapter: Adapter
) -> None:
    adapter.judges, adapter.sboms = False, ["application/vnd.cyclonedx+json"]
    scanner(api, adapter, "describes")
    pushed = image("described", [BASE])
    api.push("describes/app", pushed, "1")
    found = ended(api, "describes/app", state="passed")
    assert "makes SBOMs alone, and is asked for none" in found["error"]
    assert adapter.orders == []
    adapter.sbom_of = lambda type_: {
        "media_type": type_,
        "sbom": {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "a"}]},
    }
    api.ask("DELETE", "scanners/strict?path=describes")
    scanner(api, adapter, "describes", sbom="cyclonedx")
    api.ask("POST", "scan-reports", {"image": "describes/app:1"})
    found = ended(api, "describes/app", state="described")
    assert (found["verdict"], found["counts"], found["judged_at"], found["error"]) == ("none", {}, None, "")
    assert adapter.orders[0]["enabled_capabilities"][0]["type"] == "sbom"
    registry = {"url": api.server.url, "authorization": basic("admin")}

    def referrers() -> list[tuple[str, str]]:
        _, body = pulled(registry, f"describes/app/referrers/{pushed.digest}")
        return [(each["digest"], each["artifactType"]) for each in json.loads(body)["manifests"]]

    first = found["attached_sbom"]
    assert referrers() == [(first, "application/vnd.cyclonedx+json")]
    [listed] = api.ask("GET", "attached-sboms?repository=describes/app&reference=1")["sboms"]
    assert (listed["manifest"], listed["media_type"]) == (first, "application/vnd.cyclonedx+json")
    said = vulnerabilities(api, "describes/app")
    assert (said["state"], said["found"]) == ("unread", [])
    assert said["remarks"] == ["strict makes SBOMs alone, and judges nothing; orlop sbom --attached lists what it made"]

    adapter.sbom_of = lambda type_: {"media_type": type_, "sbom": {"bomFormat": "CycloneDX", "specVersion": "1.6"}}
    api.ask("POST", "scan-reports", {"image": "describes/app:1"})
    second = until(lambda: (one := report(api, "describes/app"))["attached_sbom"] != first and one)["attached_sbom"]
    assert until(lambda: len(referrers()) == 1 and referrers())[0][0] == second
    adapter.failing("/report", 500, b'{"error": {"message": "it is odd"}}')
    api.ask("POST", "scan-reports", {"image": "describes/app:1"})
    found = until(lambda: (one := report(api, "describes/app"))["error"] and one)
    assert (found["attached_sbom"], found["error"]) == (second, "it answered 500: it is odd")


def test_one_that_hangs_holds_up_nothing_that_others_are_asked(api: Managed, adapter: Adapter) -> None:
    """Its requests take up to a minute each: what another one is asked meanwhile is done within seconds."""
    adapter.waits = 0
    with Adapter().listening() as hanging:
        hanging.hangs.clear()
        scanner(api, hanging, "hanging", "hangs")
        for number in range(6):
            api.push("hanging/app", image(f"hangs {number}", [BASE]), f"{number}")
        until(lambda: len(hanging.asked) == 4)
        scanner(api, adapter, "hanging", "works")
        began = time.monotonic()
        api.push("hanging/app", image("works", [BASE]), "1")
        assert ended(api, "hanging/app", "works")["verdict"] == "findings"
        assert time.monotonic() - began < unhurried(30)
        assert len(hanging.asked) == 4, "one is asked about four images at once"
        api.ask("DELETE", "scanners/hangs?path=hanging")


def test_a_platform_that_is_not_wanted_is_passed_over(api: Managed, adapter: Adapter) -> None:
    scanner(api, adapter, "other-platform", platforms=["linux/arm64"])
    api.push("other-platform/app", image("amd64", [BASE]), "1")
    assert ended(api, "other-platform/app", state="passed")["error"].startswith("it is for a platform")
    assert adapter.asked == []


def test_by_hand_nothing_is_asked_until_somebody_does(api: Managed, adapter: Adapter) -> None:
    scanner(api, adapter, "hand", by_hand=True)
    api.push("hand/app", image("by hand", [BASE]), "1")
    assert report(api, "hand/app")["state"] == "none"
    assert vulnerabilities(api, "hand/app")["state"] == "waiting"
    api.ask("POST", "scan-reports", {"image": "hand/app:1", "scanner": "strict"})
    ended(api, "hand/app")


def test_a_restart_goes_on_with_what_the_scanner_is_at(api: Managed, adapter: Adapter) -> None:
    adapter.waits = 4
    scanner(api, adapter, "restart")
    api.push("restart/app", image("restarted", [BASE]), "1")
    until(lambda: adapter.orders)
    api.server.stop()  # which writes down what was pulled
    api.server.start()
    ended(api, "restart/app")
    assert len(adapter.orders) == 1
    assert api.ask("GET", "tags?repository=restart/app")[0]["pulled_at"] is None, (
        "that a scanner pulls it is no use of it"
    )


def test_a_gate_on_pull_and_quarantine_hold_nothing_back_from_a_scanner(api: Managed, adapter: Adapter) -> None:
    adapter.waits = 0
    scanner(api, adapter, "gated")
    gate = {"on": ["pull"], "labels": ["owner"], "mode": "enforce"}
    api.put("gates/owned?path=gated", gate)
    api.push("gated/app", image("held back", [BASE]), "1")
    assert ended(api, "gated/app")["verdict"] == "findings"
    # The token is good for what gates hold back in that repository, and for nothing else.
    scanner(api, adapter, "gated-in-quarantine", "other")
    api.put("gates/owned?path=gated-in-quarantine", gate)
    api.put("quarantine-rules/in?path=gated-in-quarantine", {})
    api.push("gated-in-quarantine/app", held := image("held in quarantine", [BASE]), "1")
    until(lambda: held.digest in [one["artifact"]["digest"] for one in adapter.orders])
