"""deploy/grafana/orlop.json and the alerts: a real Prometheus scrapes a real server, and is asked what they ask."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.needs import need
from tests.observing.test_alerts import RULES
from tests.servers import OrlopServer, free_port
from tests.serving import eventually
from tests.wire.test_certificates import pair

pytestmark = [pytest.mark.slow, pytest.mark.early]

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "orlop.json"

#: Metrics that this server has nothing to say of, with what they would need.
NEED = {
    "orlop_jobs_waiting": "a job that is listed and has not ended",
    "orlop_jobs_oldest_seconds": "the same",
    "orlop_upstream_up": "an upstream that was asked",
    "orlop_upstream_requests_total": "the same",
    "orlop_scanner_up": "a scanner",
    "orlop_advisory_source_updated_seconds": "a source of advisories",
    "orlop_webhook_attempts_total": "an event that was delivered",
    "orlop_collection_runs_total": "a collection, an hour after the start",
    "orlop_refusals_total": "somebody who may not",
}


class Scraped:
    """A Prometheus that scrapes a server, and what the server says itself."""

    def __init__(self, port: int, managed: Managed) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"
        self.managed = managed

    def ask(self, query: str) -> list[Any]:
        """What a query gives now. Fails for one that cannot be read."""
        url = f"{self._url}/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                found: list[Any] = json.loads(answer.read())["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it is not up yet
                raise
            raise AssertionError(f"{query}: {error.read().decode()}") from error


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    prometheus = need("prometheus")["prometheus"]
    folder = tmp_path_factory.mktemp("scraped")
    pair(folder, "ca")
    server = OrlopServer(
        folder,
        {"open": False, "workers": 2, "admin_password": PASSWORD, "blobs_ca": folder / "ca.crt"},
    )
    port = free_port()
    (folder / "prometheus.yaml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [{"job_name": "orlop", "static_configs": [{"targets": [server.address]}]}],
            }
        )
    )
    server.start()
    managed = Managed(server)
    one = image("one")
    managed.push("team/app", one, "v1")
    managed.put("quotas/small?path=team", {"tags": 100})
    process = subprocess.Popen(
        [
            prometheus,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        found = Scraped(port, managed)

        def scraped_after_pulls() -> bool:
            managed.pull("team/app", "v1")
            try:
                rate = found.ask('sum(rate(orlop_request_seconds_count{route="manifest-get"}[5m])) > 0')
            except OSError:
                return False
            jobs = found.ask("sum(orlop_jobs_ended_total)")
            return bool(rate and jobs and found.ask("predict_linear(orlop_disk_free_bytes[6h], 60)"))

        eventually("it was scraped twice", scraped_after_pulls)
        yield found
    finally:
        process.terminate()
        process.wait(30)
        server.stop()


def asked() -> list[tuple[str, str]]:
    """Every query of the dashboard, with the title of its panel."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")
            assert "$" not in query, query
            found.append((f"{panel['title']}: {target['legendFormat']}", query))
    return found


def metrics(query: str) -> set[str]:
    return set(re.findall(r"\borlop_\w+", query))


def test_every_panel_shows_something(scraped: Scraped) -> None:
    for title, query in asked():
        result = scraped.ask(query)
        assert bool(result) or metrics(query) & set(NEED), (title, query)


def test_every_metric_and_label_of_an_alert_is_there(scraped: Scraped) -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    exposed = {
        name.split(" ")[0]: kind
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", scraped.managed.scraped(), re.MULTILINE)
    }
    for rule in rules:
        scraped.ask(rule["expr"])
        for metric in metrics(rule["expr"]):
            base = re.sub(r"_(bucket|count|sum)$", "", metric)
            assert metric in exposed or exposed.get(base) == "histogram", (rule, metric)
    # What the rules join and count by, of what there is.
    for metric in {metric for rule in rules for metric in metrics(rule["expr"])} - set(NEED):
        series = scraped.ask(metric)
        for matched in re.findall(rf"\b{metric}{{([^}}]*)}}", RULES.read_text()):
            labels = set(re.findall(r"(\w+)[=!]", matched))
            assert not series or labels <= set(series[0]["metric"]), (metric, labels)


def test_nothing_fires_while_all_is_well(scraped: Scraped) -> None:
    firing = scraped.ask('ALERTS{alertname!~"OrlopCertificateEnds|OrlopCertificateEndsNow"}')
    assert [one["metric"]["alertname"] for one in firing] == []
    # The authority of the test is good for two days.
    eventually("it was evaluated", lambda: bool(scraped.ask('ALERTS{alertname=~"OrlopCertificateEnds.*"}')))


def test_every_variable_of_the_dashboard_is_a_label_of_the_build(scraped: Scraped) -> None:
    [build] = scraped.ask("orlop_build_info")
    assert {"job", "instance", "version"} <= set(build["metric"])


def test_a_certificate_that_ends_needs_somebody(scraped: Scraped) -> None:
    found = [each for each in scraped.managed.ask("GET", "attention") if each["kind"] == "certificate"]
    assert [(each["severity"], each["text"]) for each in found] == [
        ("error", "the certificate of blobs.ca ends in a day")
    ]
    [told] = scraped.managed.ask("GET", "status")["certificates"]
    assert (told["setting"], told["subject"], told["trouble"]) == ("blobs.ca", "CN=ca", "")
