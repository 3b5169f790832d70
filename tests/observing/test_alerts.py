"""deploy/prometheus/alerts.yaml: each alert fires when it should, and is quiet when all is well, as promtool says."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.needs import need

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]
RULES = _ROOT / "deploy" / "prometheus" / "alerts.yaml"
RUNBOOKS = _ROOT / "docs" / "runbooks.md"
DAY = 1440
#: Values that suffice for every case.
LONG = 310
ONE = {"job": "orlop", "instance": "a:5000"}


class Case(NamedTuple):
    """Series (values of each step, as promtool writes them) with which an alert fires at a minute, with these labels
    beside ONE; and with which it does not."""

    fires: Mapping[str, str]
    quiet: Mapping[str, str]
    at: int = 60
    labels: Mapping[str, str] = {}
    step: int = 1
    """Minutes between values: more for what takes days."""
    whole: bool = True
    """Whether its labels hold ONE; else the job alone."""


def series(metric: str, values: str, **labels: str) -> dict[str, str]:
    inside = ",".join(f'{name}="{value}"' for name, value in {**ONE, **labels}.items())
    return {f"{metric}{{{inside}}}": values}


def flat(metric: str, value: float, **labels: str) -> dict[str, str]:
    """The same value all the time."""
    return series(metric, f"{value}+0x{LONG}", **labels)


def answers(good: float, failed: float, values: int = LONG) -> dict[str, str]:
    """So many a step."""
    labels = {"route": "manifest-get", "method": "GET"}
    return {
        **series("orlop_requests_total", f"0+{good}x{values}", **labels, status="200"),
        **series("orlop_requests_total", f"0+{failed}x{values}", **labels, status="503"),
        # Probes and pages that stay open count for nothing.
        **series("orlop_requests_total", f"0+9999x{values}", route="operation", method="GET", status="503"),
    }


def manifests(fast: float, slow: float, values: int = LONG) -> dict[str, str]:
    labels = {"route": "manifest-get", "method": "GET"}
    return {
        **series("orlop_request_seconds_bucket", f"0+{fast}x{values}", **labels, le="0.1"),
        **series("orlop_request_seconds_count", f"0+{fast + slow}x{values}", **labels),
    }


GIB = 1 << 30
_SPACE = {**flat("orlop_disk_reserve_bytes", 1 * GIB), **flat("orlop_disk_size_bytes", 100 * GIB)}
_QUOTA = {"quota": "q", "place": "team/", "of": "stored_bytes"}
_LIMIT = flat("orlop_quota_limit", 1000, **_QUOTA)

CASES: dict[str, Case] = {
    "OrlopDown": Case(flat("up", 0), flat("up", 1)),
    "OrlopCatalogAway": Case(
        flat("orlop_build_info", 1, version="1"),
        {**flat("orlop_build_info", 1, version="1"), **flat("orlop_repositories", 0)},
        labels={"version": "1"},
    ),
    "OrlopFailuresBurnFast": Case(answers(98, 2), answers(99, 1), at=70, whole=False),
    "OrlopFailuresBurnSteady": Case(answers(99.3, 0.7), answers(99.5, 0.5), at=400, step=10, whole=False),
    "OrlopFailuresBurnSlowly": Case(answers(99.8, 0.2), answers(100, 0.05), at=4 * DAY, step=30, whole=False),
    "OrlopSlowBurnFast": Case(manifests(80, 20), manifests(90, 10), at=70, whole=False),
    "OrlopSlowBurnSteady": Case(manifests(93, 7), manifests(95, 5), at=400, step=10, whole=False),
    "OrlopSlowBurnSlowly": Case(manifests(98, 2), manifests(99.5, 0.5), at=4 * DAY, step=30, whole=False),
    "OrlopWorkersDie": Case(
        series("orlop_worker_respawns_total", "0+1x90"), series("orlop_worker_respawns_total", "0+0x50 1+0x40")
    ),
    "OrlopReadOnlyByStore": Case(
        flat("orlop_read_only", 1, by="store"), flat("orlop_read_only", 1, by="switch"), 200, {"by": "store"}
    ),
    "OrlopReadOnlyForLong": Case(
        flat("orlop_read_only", 1, by="switch"), flat("orlop_read_only", 0, by="switch"), 300, {"by": "switch"}
    ),
    "OrlopDiskFull": Case(
        {**_SPACE, **flat("orlop_disk_free_bytes", GIB)}, {**_SPACE, **flat("orlop_disk_free_bytes", 2 * GIB)}
    ),
    "OrlopDiskFills": Case(
        {**_SPACE, **series("orlop_disk_free_bytes", f"{40 * GIB}-{GIB // 10}x60")},
        {**_SPACE, **series("orlop_disk_free_bytes", f"{90 * GIB}-{GIB // 100}x60")},
        at=500,
        step=10,
    ),
    "OrlopQuotaFull": Case(
        {**_LIMIT, **flat("orlop_quota_used", 1000, **_QUOTA)},
        {**_LIMIT, **flat("orlop_quota_used", 999, **_QUOTA)},
        labels=_QUOTA,
    ),
    "OrlopQuotaFills": Case(
        {**_LIMIT, **series("orlop_quota_used", f"700+1x{LONG}", **_QUOTA)},
        {**_LIMIT, **series("orlop_quota_used", f"700+0.01x{LONG}", **_QUOTA)},
        at=600,
        step=10,
        labels=_QUOTA,
    ),
    "OrlopFollowerBehind": Case(
        flat("orlop_follower_behind_seconds", 301, follower="audit"),
        flat("orlop_follower_behind_seconds", 299, follower="audit"),
        labels={"follower": "audit"},
    ),
    "OrlopFollowerStuck": Case(
        flat("orlop_follower_failures", 4, follower="audit"),
        flat("orlop_follower_failures", 3, follower="audit"),
        labels={"follower": "audit"},
    ),
    "OrlopCertificateEnds": Case(
        flat("orlop_certificate_ends_seconds", 10 * 86400, setting="tls.cert"),
        flat("orlop_certificate_ends_seconds", 30 * 86400, setting="tls.cert"),
        at=90,
        labels={"setting": "tls.cert"},
    ),
    "OrlopCertificateEndsNow": Case(
        flat("orlop_certificate_ends_seconds", 86400, setting="tls.cert"),
        flat("orlop_certificate_ends_seconds", 3 * 86400, setting="tls.cert"),
        labels={"setting": "tls.cert"},
    ),
    "OrlopCertificateUnreadable": Case(
        flat("orlop_certificate_readable", 0, setting="tls.cert"),
        flat("orlop_certificate_readable", 1, setting="tls.cert"),
        labels={"setting": "tls.cert"},
    ),
    "OrlopJobsFail": Case(
        series("orlop_jobs_ended_total", "_x40 1+0x50", kind="retention", how="fail"),
        {
            **series("orlop_jobs_ended_total", "0+5x90", kind="retention", how="retry"),
            **flat("orlop_jobs_ended_total", 3, kind="retention", how="fail"),
        },
        at=65,
        labels={"kind": "retention", "how": "fail"},
    ),
    "OrlopJobsWait": Case(
        flat("orlop_jobs_oldest_seconds", 3601, kind="retention"),
        flat("orlop_jobs_oldest_seconds", 3599, kind="retention"),
        labels={"kind": "retention"},
    ),
    "OrlopCollectionFails": Case(
        series("orlop_collection_runs_total", "0+1x90", outcome="failed"),
        series("orlop_collection_runs_total", "0+1x90", outcome="done"),
        labels={"outcome": "failed"},
    ),
    "OrlopBlobsDamaged": Case(flat("orlop_quarantined_blobs", 1), flat("orlop_quarantined_blobs", 0)),
    "OrlopWebhooksGivenUp": Case(
        series("orlop_webhook_dead", "0+1x90"), {**flat("orlop_webhook_dead", 5), **flat("orlop_webhook_paused", 0)}
    ),
    "OrlopUpstreamAway": Case(
        flat("orlop_upstream_up", 0, upstream="hub/hub"),
        flat("orlop_upstream_up", 1, upstream="hub/hub"),
        labels={"upstream": "hub/hub"},
    ),
    "OrlopScannerAway": Case(
        flat("orlop_scanner_up", 0, scanner="trivy"),
        flat("orlop_scanner_up", 1, scanner="trivy"),
        labels={"scanner": "trivy"},
    ),
    "OrlopAdvisoriesOld": Case(
        flat("orlop_advisory_source_updated_seconds", 60, source="osv"),
        series("orlop_advisory_source_updated_seconds", f"0+1800x{LONG}", source="osv"),
        at=3 * DAY + 120,
        step=30,
        labels={"source": "osv"},
    ),
    **{
        name: Case(
            flat(metric, bad, schedule="nightly"),
            flat(metric, good, schedule="nightly"),
            labels={"schedule": "nightly"},
        )
        for name, metric, bad, good in (
            ("OrlopBackupOld", "orlop_backup_age_seconds", 172_801, 172_799),
            ("OrlopBackupsFail", "orlop_backup_failures", 1, 0),
            ("OrlopBackupDrillsFail", "orlop_backup_drill_failures", 1, 0),
        )
    },
    "OrlopSignaturesWait": Case(
        flat("orlop_attestations_oldest_seconds", 901), flat("orlop_attestations_oldest_seconds", 0)
    ),
    "OrlopAccessLogLost": Case(
        series("orlop_access_log_dropped_lines_total", "0+1x90"), flat("orlop_access_log_dropped_lines_total", 7)
    ),
}


def rules() -> dict[str, Any]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_every_alert_has_a_case_and_a_runbook() -> None:
    assert set(rules()) == set(CASES)
    headings = {f"#{title.lower()}" for title in re.findall(r"^## (Orlop\w+)$", RUNBOOKS.read_text(), re.MULTILINE)}
    assert {rule["annotations"]["runbook"] for rule in rules().values()} == {f"docs/runbooks.md{h}" for h in headings}


def test_every_alert_fires_and_does_not(tmp_path: Path) -> None:
    promtool = need("promtool")["promtool"]
    tests: dict[int, list[Any]] = {}
    for name, case in CASES.items():
        rule = rules()[name]
        labels = {**(ONE if case.whole else {"job": ONE["job"]}), **case.labels}
        summary = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], rule["annotations"]["summary"])  # noqa: B023
        fired = {
            "exp_labels": {**labels, **rule["labels"]},
            "exp_annotations": {**rule["annotations"], "summary": summary},
        }
        for given, expected in ((case.fires, [fired]), (case.quiet, [])):
            tests.setdefault(case.step, []).append(
                {
                    "interval": f"{case.step}m",
                    "input_series": [{"series": one, "values": values} for one, values in given.items()],
                    "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": name, "exp_alerts": expected}],
                }
            )
    for step, cases in tests.items():
        file = tmp_path / f"every_{step}m.yaml"
        # What is recorded first: of groups that come in any order an alert would see what is older than a step.
        order = ["orlop-objectives", "orlop-alerts"]
        every = {"rule_files": [str(RULES)], "evaluation_interval": f"{step}m", "tests": cases} | {
            "group_eval_order": order
        }
        file.write_text(yaml.safe_dump(every))
        done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
