"""Other scanners, from a push to what they say: the strict adapter of tests/scanning judges, and fails in many ways."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.scanning.adapter import Adapter, pulled, until
from tests.servers import OrlopServer
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
