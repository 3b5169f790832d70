"""Gates from a push to the pull: what they hold back is refused with a sentence, by every way to it, and to nobody who
needs it."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator

import pytest

from orlop.config.jobs import JobSettings
from orlop.domain.durations import DAY, HOUR
from orlop.domain.inside.assembly import assemble
from orlop.ports.by import By
from orlop.ports.insides import ClaimedImage, Inside
from orlop.ports.settings import Document
from tests.content import Pushable, image, index
from tests.contract.advisories import advisory
from tests.contract.insides import BASE, DOCUMENT
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.inprocess import InProcess
from tests.wire.test_inside import known, layer

pytestmark = pytest.mark.slow

_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
_RELEASE = 'ID=debian\nVERSION_ID="12"\n'
ACCEPT = {"Accept": "*/*"}
ENFORCED = {"on": ["pull"], "deny_severity": "critical", "fixable": True, "mode": "enforce"}


def holding(package: str, version: str) -> Pushable:
    """An image that holds one package of Debian."""
    files = {"etc/os-release": _RELEASE, "var/lib/dpkg/status": _STATUS.format(package, version)}
    return image(f"image of {package} {version}", [layer(f"{package} {version}", files)])


BAD, GOOD = holding("openssl9", "3.0.11"), holding("openssl9", "3.0.15")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("gates"), {"open": False, "admin_password": PASSWORD, "workers": 2})
    server.start()
    try:
        made = Managed(server)
        record = json.loads(advisory("TEST-1", "openssl9", "3.0.15", aliases=["CVE-2026-1234"]))
        record["database_specific"] = {"severity": "CRITICAL"}
        made.ask("POST", "advisories", {"source": "test", "records": [record]})
        made.ask("POST", "users", {"name": "ann", "password": PASSWORD})
        made.ask("PUT", "users/ann/password", {"password": PASSWORD, "must_change": False})
        place = {"kind": "namespace", "path": "prod"}
        made.ask("POST", "grants", {"principal": "ann", "role": "reader", "place": place})
        yield made
    finally:
        server.kill()


def refusal(api: Managed, repository: str, reference: str, who: str = "ann") -> str:
    """What the client is told that is refused; empty where it is not."""
    answer = api.manifest(repository, reference, who)
    if answer.status == 200:
        return ""
    [error] = json.loads(answer.body)["errors"]
    assert (answer.status, error["code"]) == (403, "DENIED")
    return str(error["message"])


def eventually_refused(api: Managed, repository: str, reference: str, wanted: bool = True) -> str:
    """The same once it is so: findings of an image come a moment after its packages."""
    for _ in range(100):
        said = refusal(api, repository, reference)
        if bool(said) is wanted:
            return said
        time.sleep(0.05)
    raise AssertionError(said)


def pushed(api: Managed, repository: str, what: Pushable, *tags: str) -> None:
    """An image, once it is read."""
    api.push(repository, what, *tags)
    known(api, repository, tags[0])


def gated(api: Managed, path: str, name: str = "no-critical", **more: object) -> str:
    """A gate of a place; its address."""
    address = f"gates/{name}?path={path}"
    api.put(address, {**ENFORCED, **more})
    return address


def test_a_refusal_says_which_gate_where_what_and_what_to_do(api: Managed) -> None:
    pushed(api, "prod/told/app", BAD, "1.4")
    assert refusal(api, "prod/told/app", "1.4") == ""
    gated(api, "prod/told")
    finding = "CVE-2026-1234 in openssl9 3.0.11 is critical and fixed in 3.0.15"
    begin = f"gate no-critical on prod/told refuses app:1.4: {finding}; "
    assert refusal(api, "prod/told/app", "1.4") == f"{begin}build it anew with openssl9 3.0.15, or ask for an exception"
    pushed(api, "prod/told/app", GOOD, "1.5")
    assert refusal(api, "prod/told/app", "1.5") == ""
    assert refusal(api, "prod/told/app", "1.4") == f"{begin}deploy 1.5 or ask for an exception"


def test_by_tag_by_digest_by_an_index_and_its_child_it_is_gated_alike(api: Managed) -> None:
    gated(api, "prod/alike")
    both = index("both", [BAD, GOOD])
    pushed(api, "prod/alike/app", BAD, "bad")
    known(api, "prod/alike/app", "bad")
    api.push("prod/alike/app", both, "all")
    for reference in ("bad", str(BAD.digest), "all", str(both.digest)):
        assert "CVE-2026-1234" in refusal(api, "prod/alike/app", reference), reference
    assert refusal(api, "prod/alike/app", str(GOOD.digest)) == ""


def test_who_looks_scans_signs_or_administers_still_reaches_it(api: Managed) -> None:
    pushed(api, "prod/reached/app", BAD, "1")
    gated(api, "prod/reached")
    assert refusal(api, "prod/reached/app", "1")
    assert api.manifest("prod/reached/app", "1", "ann", "HEAD").status == 200
    assert api.ask("GET", "image-vulnerabilities?repository=prod/reached/app&reference=1", who="ann")["found"]
    owned = api.manifest("prod/reached/app", "1")
    assert owned.status == 200
    assert owned.header("warning").startswith('299 - "gate no-critical on prod/reached refuses app:1: CVE-2026-1234')
    assert api.ask("GET", "gate-verdicts?repository=prod/reached/app&reference=1")["from_you"] is False
    api.ask("PUT", "roles/scanner", {"actions": ["list", "pull", "pull-held"]}, if_none_match="*")
    place = {"kind": "namespace", "path": "prod/reached"}
    grant = api.ask("POST", "grants", {"principal": "ann", "role": "scanner", "place": place})
    assert refusal(api, "prod/reached/app", "1") == ""
    api.ask("DELETE", f"grants/{grant['id']}")
    assert refusal(api, "prod/reached/app", "1")


def test_a_gate_that_warns_gives_it_with_a_warning_and_tells_the_audit_log(api: Managed) -> None:
    pushed(api, "prod/warned/app", BAD, "1")
    gated(api, "prod/warned", mode="warn")
    answer = api.manifest("prod/warned/app", "1", "ann")
    assert answer.status == 200
    assert "gate no-critical on prod/warned warns of app:1: CVE-2026-1234" in answer.header("warning")
    for _ in range(100):
        told = api.ask("GET", "audit?place=prod/warned&kind=gate.warned")
        if told:
            break
        time.sleep(0.05)
    assert [(one["kind"], one["actor"], one["tag"]) for one in told] == [("gate.warned", "ann", "1")]


def test_what_clears_a_finding_opens_the_gate_and_its_end_closes_it(api: Managed) -> None:
    pushed(api, "prod/cleared/app", BAD, "1")
    address = gated(api, "prod/cleared")
    assert eventually_refused(api, "prod/cleared/app", "1")
    accepted = {"cves": ["CVE-2026-1234"], "until": "2099-01-31", "reason": "it is not reachable"}
    api.put("exceptions/ssl?path=prod/cleared", accepted)
    assert refusal(api, "prod/cleared/app", "1") == ""
    api.ask("DELETE", "exceptions/ssl?path=prod/cleared")
    assert refusal(api, "prod/cleared/app", "1")
    api.ask("DELETE", address)
    assert refusal(api, "prod/cleared/app", "1") == ""


def test_an_advisory_that_comes_later_closes_the_gate(api: Managed) -> None:
    pushed(api, "prod/later/app", holding("zlib9", "1.2"), "1")
    gated(api, "prod/later")
    assert refusal(api, "prod/later/app", "1") == ""
    record = json.loads(advisory("TEST-9", "zlib9", "1.3", aliases=["CVE-2026-9"]))
    record["database_specific"] = {"severity": "CRITICAL"}
    api.ask("POST", "advisories", {"source": "later", "records": [record]})
    assert "CVE-2026-9 in zlib9 1.2 is critical" in eventually_refused(api, "prod/later/app", "1")


def test_what_is_not_read_waits_and_is_then_said_to_be_scanned(api: Managed) -> None:
    gated(api, "prod/fresh")
    api.push("prod/fresh/app", holding("openssl9", "3.0.16"), "1")
    assert refusal(api, "prod/fresh/app", "1") == ""  # a moment later


def test_a_scanner_that_is_down_opens_no_gate() -> None:
    with InProcess(jobs=JobSettings(serve=False)) as registry:
        registry.push("prod/app", holding("openssl9", "3.0.17"), "1")
        body = json.dumps({**ENFORCED, "wait": 0}).encode()
        documents = registry.stores.identity.documents
        registry.run(documents.put(Document("gate", "no-critical", body, path="prod"), By("admin", 1)))
        for _ in range(2):
            answer = registry.ask("GET", "/v2/prod/app/manifests/1")
            assert (answer.status, answer.header("retry-after")) == (403, "15")
            sentence = "gate no-critical on prod: app:1 is being scanned, try again in 15 seconds"
            assert json.loads(answer.body)["errors"][0]["message"] == sentence
        assert registry.ask("HEAD", "/v2/prod/app/manifests/1").status == 200


def test_a_clean_image_stays_pullable_while_it_is_read_anew() -> None:
    with InProcess(jobs=JobSettings(serve=False)) as registry:
        pushed_ = holding("openssl9", "3.0.18")
        registry.push("prod/app", pushed_, "1")
        insides = registry.stores.catalog.insides

        def status() -> int:
            return registry.ask("GET", "/v2/prod/app/manifests/1").status

        def taken() -> ClaimedImage:
            [claimed] = registry.run(insides.images.claim(2 * DAY, 2 * DAY + HOUR, 1))
            return claimed

        body = json.dumps({**ENFORCED, "wait": 0}).encode()
        documents = registry.stores.identity.documents
        registry.run(documents.put(Document("gate", "no-critical", body, path="prod"), By("admin", 1)))
        registry.run(insides.images.again(pushed_.digest, DAY))
        assert status() == 403
        assert registry.run(insides.images.read(taken(), assemble((BASE,)), 1, DAY))
        assert status() == 200
        registry.run(insides.images.again(pushed_.digest, DAY))
        assert status() == 200
        claimed = taken()
        assert status() == 200
        registry.run(insides.images.unread(claimed, "it takes too long", 1, DAY))
        assert status() == 200
        registry.run(insides.places.within("prod", 0, 100, DAY))
        assert status() == 200
        registry.run(insides.images.unread(taken(), "it takes too long", 1, DAY))
        assert status() == 403  # what counted by the rules of before may not by those of now


def test_what_documents_of_elsewhere_said_opens_no_gate_where_other_rules_hold() -> None:
    with InProcess(jobs=JobSettings(serve=False)) as registry:
        copied = holding("openssl9", "3.0.19")
        registry.push("dev/app", copied, "1")
        images = registry.stores.catalog.insides.images

        def until(wanted: Callable[[Inside | None], bool]) -> None:
            for _ in range(200):
                if wanted(registry.run(images.of(copied.digest))):
                    return
                registry.run(asyncio.sleep(0.05))
            raise AssertionError(registry.run(images.of(copied.digest)))

        until(lambda known: known is not None)  # the push was seen
        [claimed] = registry.run(images.claim(1 << 60, (1 << 60) + HOUR, 1))
        assert registry.run(images.read(claimed, assemble((DOCUMENT,)), 1, DAY))
        documents = registry.stores.identity.documents
        for kind, body in (
            ("gate", {**ENFORCED, "wait": 0}),
            ("sbom-rule", {"attached": "beside", "pushed_by": ["robot+ci"]}),
        ):
            document = Document(kind, "made", json.dumps(body).encode(), path="prod")
            registry.run(documents.put(document, By("admin", 1)))
        registry.push("prod/app", copied, "1")
        until(lambda known: known is not None and not known.is_known)
        assert registry.ask("GET", "/v2/prod/app/manifests/1").status == 403


def test_a_dry_run_says_what_would_break_before_the_gate_is_on(api: Managed) -> None:
    pushed(api, "prod/tried/one", BAD, "1", "2")
    pushed(api, "prod/tried/two", GOOD, "1")
    gated(api, "prod/tried", mode="off")
    assert refusal(api, "prod/tried/one", "1") == ""
    found = api.ask("GET", "gate-dry-runs/no-critical?path=prod/tried")
    assert (found["looked"], found["last"]) == (3, "")
    assert [(one["repository"], one["tag"]) for one in found["held"]] == [
        ("prod/tried/one", "1"),
        ("prod/tried/one", "2"),
    ]
    assert "refuses one:1: CVE-2026-1234" in found["held"][0]["sentence"]
    first = api.ask("GET", "gate-dry-runs/no-critical?path=prod/tried&n=1")
    assert (first["looked"], first["last"]) == (1, "prod/tried/one:1")
    rest = api.ask("GET", "gate-dry-runs/no-critical?path=prod/tried&last=prod/tried/one:1")
    assert (rest["looked"], [one["tag"] for one in rest["held"]], rest["last"]) == (2, ["2"], "")
    api.refused("GET", "gate-dry-runs/no-critical?path=prod/tried", status=403, who="ann")
    api.refused("GET", "gate-dry-runs/none?path=prod/tried", status=404)


def test_a_gate_is_tried_before_it_is_kept(api: Managed) -> None:
    pushed(api, "prod/maybe/one", BAD, "1", "2")
    asked = {"name": "maybe", "path": "prod/maybe", "gate": ENFORCED, "n": 1}
    first = api.ask("POST", "gate-trials", asked)
    assert (first["looked"], first["last"]) == (1, "prod/maybe/one:1")
    assert "gate maybe on prod/maybe refuses one:1: CVE-2026-1234" in first["held"][0]["sentence"]
    rest = api.ask("POST", "gate-trials", asked | {"last": first["last"], "n": 9})
    assert (rest["looked"], [one["tag"] for one in rest["held"]], rest["last"]) == (1, ["2"], "")
    other = api.ask("POST", "gate-trials", asked | {"gate": {"deny_severity": "critical", "older_than": "9999d"}})
    assert other["held"] == []
    assert api.ask("GET", "gates?path=prod/maybe") == []
    api.refused("POST", "gate-trials", asked | {"gate": {"mode": "enforce"}}, status=400)
    api.refused("POST", "gate-trials", asked, status=403, who="ann")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"no_root": True}, "it runs as root"),
        ({"labels": ["owner"]}, "it has no label owner"),
        ({"platforms": ["linux/arm64"]}, "it is for linux/amd64, and not for linux/arm64"),
        ({"largest": "1"}, "which is more than 1"),
        ({"registries": ["docker.io"]}, "it was pushed here, and has to come from docker.io"),
        ({"bases": ["registry.example/base/*"]}, "it does not say what it was built on"),
        ({"created_within": "90d"}, "it does not say when it was built"),
        ({"require_sbom": True}, "it has no SBOM"),
    ],
)
def test_each_condition_says_what_is_wrong(api: Managed, condition: dict[str, object], said: str) -> None:
    name = next(iter(condition)).replace("_", "-")
    api.push(f"prod/{name}/app", GOOD, "1")
    api.put(f"gates/one?path=prod/{name}", {"mode": "enforce", **condition})
    assert said in refusal(api, f"prod/{name}/app", "1")
    assert api.manifest(f"prod/{name}/app", "1").status == 200


def test_signers_that_are_nowhere_above_are_refused_when_the_gate_is_set(api: Managed) -> None:
    body = {"signed_by": ["nobody-known"], "mode": "enforce"}
    said = api.refused("PUT", "gates/signed?path=prod/named", body, status=400)
    assert "there are no signers nobody-known at prod/named/ or above it: set them first" in json.dumps(said)
    said = api.refused("PUT", "gates/signed?path=prod/named", {"signed_by": ["No Name"]}, status=400)
    assert "is no name of signers" in json.dumps(said)
