"""helm: charts as OCI artifacts."""

import pytest
import yaml

from tests.clients.contents import served
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow


def test_a_chart_is_pushed_pulled_and_shown(server: OrlopServer, station: Station) -> None:
    station.run("helm", "create", "ship")
    station.run("helm", "package", "ship", "--version", "1.2.3+build.4")
    archive = station.folder / "ship-1.2.3+build.4.tgz"
    station.run("helm", "push", archive, f"oci://{server.address}/helm/charts", "--plain-http")
    # A tag has no plus sign, so helm writes an underscore.
    assert archive.stat().st_size in served(server, "helm/charts/ship", "1.2.3_build.4").sizes.values()

    chart = (f"oci://{server.address}/helm/charts/ship", "--version", "1.2.3+build.4", "--plain-http")
    (station.folder / "pulled").mkdir()
    station.run("helm", "pull", *chart, "--destination", "pulled")
    assert (station.folder / "pulled" / archive.name).read_bytes() == archive.read_bytes()
    assert yaml.safe_load(station.run("helm", "show", "chart", *chart))["version"] == "1.2.3+build.4"
    assert b"kind: Deployment" in station.run("helm", "template", "name", *chart)


def test_the_newest_version_in_a_range_is_found(server: OrlopServer, station: Station) -> None:
    station.run("helm", "create", "boat")
    for version in ("1.0.0", "1.4.0", "2.0.0"):
        station.run("helm", "package", "boat", "--version", version)
        station.run("helm", "push", f"boat-{version}.tgz", f"oci://{server.address}/helm/charts", "--plain-http")
    shown = station.run(
        "helm", "show", "chart", f"oci://{server.address}/helm/charts/boat", "--version", "^1", "--plain-http"
    )
    assert yaml.safe_load(shown)["version"] == "1.4.0"
