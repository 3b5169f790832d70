"""Traces of a real server, as a receiver gets them: each span below the one that it came of, in and out."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.observing.otlp import SpanReceiver, attributes, span_receiver
from tests.servers import OrlopServer, free_port
from tests.serving import eventually
from tests.upstreams import UpstreamRegistry, upstream_registry
from tests.wire.answer import Answer
from tests.wire.sockets import Connection

pytestmark = pytest.mark.slow

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"traceparent: 00-{TRACE}-{PARENT}-01"
ONE = image("one")
_ADMIN = f"authorization: Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"


class Traced:
    """A server that sends its spans to a receiver, with an upstream."""

    def __init__(self, server: OrlopServer, receiver: SpanReceiver, upstream: UpstreamRegistry) -> None:
        self.managed = Managed(server)
        self.server = server
        self.receiver = receiver
        self.upstream = upstream

    def ask(self, method: str, path: str, *lines: str, body: bytes = b"") -> Answer:
        """Anything, as the administrator."""
        with Connection(self.server.port) as connection:
            return connection.ask(method, path, _ADMIN, *lines, body=body)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with span_receiver() as receiver, upstream_registry() as upstream:
        server = OrlopServer(
            tmp_path_factory.mktemp("traced"),
            {
                "open": False,
                "workers": 1,
                "admin_password": PASSWORD,
                "tracing_endpoint": receiver.url,
                "tracing_sample": 1,
                "tracing_authorization": "Bearer of-the-receiver",
                "outbound_networks": "127.0.0.0/8",
            },
        )
        server.start()
        try:
            made = Traced(server, receiver, upstream)
            made.managed.push("team/app", ONE, "v1")
            yield made
        finally:
            server.stop()


def test_what_sends_says_who_it_is(traced: Traced) -> None:
    traced.receiver.waited("PUT manifest-put")
    [resource] = {tuple(sorted(each.items())) for each in traced.receiver.resources}
    assert {"service.name", "service.version", "service.instance.id", "host.name"} == {key for key, _ in resource}
    assert {each["authorization"] for each in traced.receiver.headers} == {"Bearer of-the-receiver"}


def test_a_request_of_a_trace_is_below_its_parent_with_catalog_and_store_below_it(traced: Traced) -> None:
    traced.receiver.forget()
    config = ONE.blobs[0]
    answer = traced.ask("GET", f"/v2/team/app/blobs/{config.digest}", TRACEPARENT)
    assert answer.status == 200
    span = traced.receiver.waited("GET blob-get")
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.kind) == (TRACE, PARENT, 2)
    told = attributes(span)
    assert told["http.response.status_code"] == 200
    assert told["http.route"] == "blob-get"
    assert told["url.path"] == f"/v2/team/app/blobs/{config.digest}"
    assert told["orlop.request_id"] == answer.header("x-request-id")
    below = {each.name for each in traced.receiver.below(span)}
    assert "store open" in below
    assert any(name.startswith("catalog ") for name in below)
    for each in traced.receiver.below(span):
        assert each.trace_id.hex() == TRACE
        assert span.start_time_unix_nano <= each.start_time_unix_nano
        assert each.end_time_unix_nano <= span.end_time_unix_nano
        assert not attributes(each) or "team" not in str(attributes(each))  # statements go without what they are asked


def test_an_answer_that_is_remembered_is_one_span_alone(traced: Traced) -> None:
    for _ in range(3):
        traced.ask("GET", "/v2/team/app/manifests/v1")
    eventually("all ended", lambda: len(traced.receiver.named("GET manifest-get")) >= 3)
    traced.receiver.forget()
    traced.ask("GET", "/v2/team/app/manifests/v1", TRACEPARENT)
    span = traced.receiver.waited("GET manifest-get")
    assert span.parent_span_id.hex() == PARENT
    assert traced.receiver.below(span) == []


@pytest.mark.parametrize(
    "line",
    [
        f"traceparent: 00-{TRACE}-{PARENT}-00",  # it says that it is not traced
        f"traceparent: 01-{TRACE}-{PARENT}-00-more",
    ],
)
def test_a_trace_that_is_not_recorded_stays_so(traced: Traced, line: str) -> None:
    traced.receiver.forget()
    traced.ask("GET", "/v2/", line)
    traced.ask("GET", "/v2/_catalog", TRACEPARENT)
    traced.receiver.waited("GET catalog")
    assert traced.receiver.named("GET ping") == []


@pytest.mark.parametrize(
    "line",
    [
        f"traceparent: ff-{TRACE}-{PARENT}-01",
        f"traceparent: 00-{'0' * 32}-{PARENT}-01",
        f"traceparent: 00-{TRACE}-{'0' * 16}-01",
        f"traceparent: 00-{TRACE.upper()}-{PARENT}-01",
        f"traceparent: 00-{TRACE}-{PARENT}-01-more",
        "traceparent: \xff",
    ],
)
def test_a_header_that_is_none_begins_a_trace(traced: Traced, line: str) -> None:
    traced.receiver.forget()
    traced.ask("GET", "/v2/", line)
    span = traced.receiver.waited("GET ping")
    assert span.trace_id.hex() not in {TRACE, "0" * 32}
    assert span.parent_span_id == b""


def test_a_refusal_is_no_failure_and_probes_are_no_requests(traced: Traced) -> None:
    traced.receiver.forget()
    assert traced.ask("GET", "/readyz").status == 200
    assert traced.ask("GET", "/v2/team/app/manifests/nowhere").status == 404
    span = traced.receiver.waited("GET manifest-get")
    assert (attributes(span)["http.response.status_code"], span.status.code) == (404, 0)
    assert [each.name for each in traced.receiver.spans if "operation" in each.name] == []


def test_an_upstream_gets_the_trace(traced: Traced) -> None:
    two = image("two")
    traced.upstream.push("lib/two", two, "v1")
    traced.managed.put("upstreams/there?path=hub", {"url": traced.upstream.url})
    traced.receiver.forget()
    traced.upstream.forget()
    assert traced.ask("GET", "/v2/hub/lib/two/manifests/v1", TRACEPARENT).status == 200
    traced.receiver.waited("GET manifest-get")
    sent = [each for each in traced.receiver.spans if each.name.startswith("upstream ")]
    asked = [each.headers["traceparent"] for each in traced.upstream.asked if "traceparent" in each.headers]
    assert sent
    assert {f"00-{TRACE}-{each.span_id.hex()}-01" for each in sent} >= set(asked) != set()
    assert {each.trace_id.hex() for each in sent} == {TRACE}
    assert {each.kind for each in sent} == {3}


def test_a_delivery_is_a_trace_of_its_own_and_gets_it(traced: Traced) -> None:
    traced.receiver.forget()
    with span_receiver() as other:
        other.status = 204
        hook = {"url": f"{other.url}/x", "events": ["tag.*"]}
        traced.managed.put("webhooks/told", hook)
        traced.managed.push("team/app", image("told"), "told")
        span = traced.receiver.waited("webhook POST")
        assert (span.parent_span_id, span.kind, span.status.code) == (b"", 3, 0)
        assert f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" in {each.get("traceparent") for each in other.seen}


def test_a_write_and_a_job_are_spans(traced: Traced) -> None:
    traced.receiver.forget()
    traced.managed.push("team/app", image("three"), "v3")
    span = traced.receiver.waited("PUT manifest-put")
    assert "catalog write" in {each.name for each in traced.receiver.below(span)}
    assert "store promote" in {each.name for each in traced.receiver.spans}
    traced.managed.ask("POST", "jobs", {"kind": "collection"})
    job = traced.receiver.waited("job collection")
    assert (job.parent_span_id, job.kind) == (b"", 5)
    assert any(each.name.startswith("catalog ") for each in traced.receiver.below(job))


def test_the_histogram_names_traces_to_those_who_ask_for_openmetrics(traced: Traced) -> None:
    traced.ask("GET", "/v2/team/app/manifests/v1", TRACEPARENT)
    answer = traced.ask("GET", "/metrics", "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.header("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    found = [
        sample.exemplar.labels
        for sample in families["orlop_request_seconds"].samples
        if sample.exemplar is not None and sample.labels["route"] == "manifest-get"
    ]
    assert {"trace_id": TRACE} in found
    plain = traced.ask("GET", "/metrics")
    assert plain.header("content-type").startswith("text/plain")
    assert b"trace_id" not in plain.body
    assert re.search(rb'orlop_trace_spans_total\{outcome="sent"\} [1-9]', plain.body)


def test_a_receiver_that_is_away_costs_nothing_and_is_said_once(tmp_path: Any) -> None:
    port = free_port()
    server = OrlopServer(tmp_path, {"workers": 1, "tracing_endpoint": f"http://127.0.0.1:{port}", "tracing_sample": 1})
    server.start()
    try:

        def lost() -> int:
            with Connection(server.port) as connection:
                assert connection.ask("GET", "/v2/").status == 200
                page = connection.ask("GET", "/metrics").body.decode()
            found = re.search(r'orlop_trace_spans_total\{outcome="dropped"\} (\d+)', page)
            return int(found[1]) if found else 0

        eventually("some were lost", lambda: lost() > 0)
        before = lost()
        eventually("more were lost", lambda: lost() > before + 1)
        assert server.log_text().count("traces are lost") == 1
        with span_receiver(port) as receiver:
            eventually("they come again", lambda: bool(lost() >= 0 and receiver.named("GET ping")))
            assert receiver.wrong == []
            eventually("it is said", lambda: "takes them again" in server.log_text())
    finally:
        server.stop()
