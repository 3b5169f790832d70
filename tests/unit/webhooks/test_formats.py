"""Events as others write them, read back by strict parsers of their published schemas; which events a hook wants."""

from typing import Literal
from urllib.parse import unquote

import msgspec
import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.events import Event, EventKind, Origin
from orlop.domain.webhooks.facts import TEST, Content, Facts, Source, facts_of
from orlop.domain.webhooks.formats import written
from orlop.domain.webhooks.hook import WEBHOOKS, Format, Webhook
from orlop.domain.webhooks.matching import wants
from orlop.domain.webhooks.signature import key_of

SOURCE = Source("https://registry.example.org")
DIGEST = f"sha256:{'ab' * 32}"
AT = 1_764_590_400_123_456
TAGGED = Event(
    id=7,
    at=AT,
    kind=EventKind.TAG_SET,
    actor="ann",
    repository="team/app/web",
    digest=DIGEST,
    tag="v1",
    origin=Origin("token 12 (laptop)", "192.0.2.7", "b7e6"),
)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def facts(event: Event = TAGGED, **more: object) -> Facts:
    return msgspec.structs.replace(facts_of(event), **{"media_type": MANIFEST, "size": 421, **more})


def content(form: Format, told: Facts) -> Content:
    return written(form, "msg_42", told, SOURCE)


# --- distribution/distribution, notifications/event.go ------------------------------------------------------


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing but what the schema knows."""


class Descriptor(_Strict):
    repository: str = ""
    mediaType: str = ""  # noqa: N815 - as it is written there
    size: int = 0
    digest: str = ""
    length: int = 0
    fromRepository: str = ""  # noqa: N815
    url: str = ""
    tag: str = ""


class RequestRecord(_Strict):
    id: str = ""
    addr: str = ""
    host: str = ""
    method: str = ""
    useragent: str = ""


class ActorRecord(_Strict):
    name: str = ""


class SourceRecord(_Strict):
    addr: str = ""
    instanceID: str = ""  # noqa: N815


class Notification(_Strict):
    id: str
    timestamp: msgspec.Raw
    action: Literal["pull", "push", "mount", "delete"]
    target: Descriptor
    request: RequestRecord
    actor: ActorRecord
    source: SourceRecord


class Envelope(_Strict):
    events: list[Notification]


def test_distributions_notifications() -> None:
    made = content(Format.DISTRIBUTION, facts())
    assert made.media_type == "application/vnd.docker.distribution.events.v2+json"
    [event] = msgspec.json.decode(made.body, type=Envelope).events
    assert (event.id, event.action, event.actor.name, event.request.id) == ("msg_42", "push", "ann", "b7e6")
    assert bytes(event.timestamp) == b'"2025-12-01T12:00:00.123456Z"'
    target = event.target
    assert (target.repository, target.tag, target.digest) == ("team/app/web", "v1", DIGEST)
    assert (target.mediaType, target.size, target.length) == (MANIFEST, 421, 421)
    assert target.url == f"https://registry.example.org/v2/team/app/web/manifests/{DIGEST}"


@pytest.mark.parametrize(
    ("kind", "action", "part"),
    [
        (EventKind.MANIFEST_PUSHED, "push", "manifests"),
        (EventKind.MANIFEST_PULLED, "pull", "manifests"),
        (EventKind.MANIFEST_DELETED, "delete", "manifests"),
        (EventKind.BLOB_PUSHED, "push", "blobs"),
        (EventKind.BLOB_MOUNTED, "mount", "blobs"),
        (EventKind.BLOB_PULLED, "pull", "blobs"),
        (EventKind.BLOB_UNLINKED, "delete", "blobs"),
        (EventKind.TAG_DELETED, "delete", ""),
        (EventKind.REPOSITORY_DELETED, "delete", ""),
    ],
)
def test_every_kind_that_distribution_knows(kind: EventKind, action: str, part: str) -> None:
    event = msgspec.structs.replace(TAGGED, kind=kind, tag="v1" if kind is EventKind.TAG_DELETED else "")
    if not part and kind is EventKind.REPOSITORY_DELETED:
        event = msgspec.structs.replace(event, digest="")
    [told] = msgspec.json.decode(content(Format.DISTRIBUTION, facts(event)).body, type=Envelope).events
    assert told.action == action
    assert (f"/{part}/" in told.target.url) if part else not told.target.url


# --- goharbor/harbor, src/pkg/notifier/model/event.go -------------------------------------------------------


class Resource(_Strict):
    digest: str = ""
    tag: str = ""
    resource_url: str = ""


class HarborRepository(_Strict):
    name: str
    namespace: str
    repo_full_name: str
    repo_type: Literal["public", "private"]
    date_created: int = 0


class EventData(_Strict):
    resources: list[Resource]
    repository: HarborRepository


class Payload(_Strict):
    type: Literal["PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT"]
    occur_at: int
    operator: str
    event_data: EventData


def test_harbors_payload() -> None:
    made = content(Format.HARBOR, facts(public=True))
    payload = msgspec.json.decode(made.body, type=Payload)
    assert (payload.type, payload.occur_at, payload.operator) == ("PUSH_ARTIFACT", AT // 1_000_000, "ann")
    [resource] = payload.event_data.resources
    assert (resource.digest, resource.tag) == (DIGEST, "v1")
    assert resource.resource_url == "registry.example.org/team/app/web:v1"
    repository = payload.event_data.repository
    assert (repository.namespace, repository.name) == ("team", "app/web")
    assert (repository.repo_full_name, repository.repo_type) == ("team/app/web", "public")


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        (EventKind.MANIFEST_PUSHED, "PUSH_ARTIFACT"),
        (EventKind.MANIFEST_PULLED, "PULL_ARTIFACT"),
        (EventKind.MANIFEST_DELETED, "DELETE_ARTIFACT"),
        (EventKind.TAG_DELETED, "DELETE_ARTIFACT"),
    ],
)
def test_every_kind_that_harbor_knows(kind: EventKind, called: str) -> None:
    event = msgspec.structs.replace(TAGGED, kind=kind, tag="", repository="app")
    payload = msgspec.json.decode(content(Format.HARBOR, facts(event)).body, type=Payload)
    assert payload.type == called
    assert payload.event_data.resources[0].resource_url == f"registry.example.org/app@{DIGEST}"
    assert payload.event_data.repository.name == "app"


# --- CloudEvents 1.0.2 --------------------------------------------------------------------------------------


class CloudEvent(_Strict):
    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: str
    datacontenttype: Literal["application/json"]
    data: dict[str, object]
    subject: str = ""


def test_cloudevents_structured() -> None:
    made = content(Format.CLOUDEVENTS, facts())
    assert made.media_type == "application/cloudevents+json"
    event = msgspec.json.decode(made.body, type=CloudEvent)
    assert (event.id, event.source, event.type) == ("msg_42", "https://registry.example.org", "orlop.tag.set")
    assert (event.subject, event.time) == ("team/app/web:v1", "2025-12-01T12:00:00.123456Z")
    assert event.data["digest"] == DIGEST
    assert event.data["media_type"] == MANIFEST
    assert not {"address", "credential"} & event.data.keys()


def test_cloudevents_binary_says_the_same_in_headers() -> None:
    whole = msgspec.json.decode(content(Format.CLOUDEVENTS, facts()).body)
    made = content(Format.CLOUDEVENTS_BINARY, facts())
    assert made.media_type == "application/json"
    headers = {name.removeprefix("ce-"): unquote(value) for name, value in made.headers}
    assert headers == {name: value for name, value in whole.items() if name not in {"data", "datacontenttype"}}
    assert msgspec.json.decode(made.body) == whole["data"]


def test_headers_are_printable_whatever_an_event_is_about() -> None:
    event = Event(id=1, at=AT, kind=EventKind.GROUP_CREATED, subject='Bär "100 %"\r\nx: y')
    headers = dict(content(Format.CLOUDEVENTS_BINARY, facts(event)).headers)
    assert headers["ce-subject"] == "B%C3%A4r%20%22100%20%25%22%0D%0Ax:%20y"
    assert all(value.isascii() and value.isprintable() and " " not in value for value in headers.values())


# --- Slack --------------------------------------------------------------------------------------------------


class Text(_Strict):
    text: str


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (TAGGED, "ann tagged `team/app/web:v1` (sha256:abababababab…)."),
        (Event(at=AT, kind=EventKind.ACCOUNT_CREATED, actor="root", subject="<!channel>"), "root: account.created"),
        (Event(at=AT, kind=EventKind.REPOSITORY_DELETED, repository="app"), "somebody deleted the repository `app`."),
    ],
)
def test_sentences_for_slack(event: Event, said: str) -> None:
    text = msgspec.json.decode(content(Format.SLACK, facts(event)).body, type=Text).text
    assert text.startswith(said)
    assert "<" not in text


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("kind", [*EventKind, TEST])
def test_whatever_a_hook_wants_can_be_written(form: Format, kind: str) -> None:
    if kind != TEST:
        event = msgspec.structs.replace(TAGGED, kind=EventKind(kind))
        if not wants(Webhook(url="https://x.example", events=("*",), format=form), "", event):
            return
        told = facts(event)
    else:
        told = Facts(event=0, at=AT, kind=TEST, actor="ann")
    assert msgspec.json.decode(content(form, told).body) is not None


# --- What a hook wants --------------------------------------------------------------------------------------


def hook(**fields: object) -> Webhook:
    body = WEBHOOKS.parse("x", {"url": "https://hooks.example/x", "events": ["*"], **fields})
    assert isinstance(body, Webhook)
    return body


ACCOUNT = Event(at=AT, kind=EventKind.ACCOUNT_CREATED, subject="bob")


@pytest.mark.parametrize(
    ("path", "fields", "event", "wanted"),
    [
        ("", {}, TAGGED, True),
        ("team", {}, TAGGED, True),
        ("team/app/web", {}, TAGGED, True),
        ("tea", {}, TAGGED, False),
        ("team-b", {}, TAGGED, False),
        ("team/app/web/x", {}, TAGGED, False),
        ("", {}, ACCOUNT, True),
        ("team", {}, ACCOUNT, False),
        ("", {"repositories": ["app*"]}, ACCOUNT, False),
        ("team", {"events": ["tag.*"]}, TAGGED, True),
        ("team", {"events": ["manifest.*", "tag.deleted"]}, TAGGED, False),
        ("team", {"repositories": ["app/*"]}, TAGGED, True),
        ("team", {"repositories": ["app"]}, TAGGED, False),
        ("team", {"repositories": ["*"]}, TAGGED, False),
        ("team", {"repositories": ["team/**"]}, TAGGED, False),
        ("", {"repositories": ["team/**"]}, TAGGED, True),
        ("team/app/web", {"repositories": ["web"]}, TAGGED, True),
        ("team", {"tags": ["v*"]}, TAGGED, True),
        ("team", {"tags": ["w*"]}, TAGGED, False),
        ("team", {"tags": ["*"]}, msgspec.structs.replace(TAGGED, tag=""), False),
        ("", {"format": "harbor"}, ACCOUNT, False),
        ("", {"format": "harbor"}, msgspec.structs.replace(TAGGED, kind=EventKind.BLOB_PUSHED), False),
        ("", {"format": "distribution"}, msgspec.structs.replace(TAGGED, kind=EventKind.BLOB_PUSHED), True),
    ],
)
def test_a_hook_hears_of_its_place_and_of_what_it_names(
    path: str, fields: dict[str, object], event: Event, wanted: bool
) -> None:
    assert wants(hook(**fields), path, event) is wanted


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "ftp://hooks.example/x"}, "url: write where"),
        ({"url": "https://ann:hunter22@hooks.example/x"}, "use authorization"),
        ({"url": "https://hooks.example/x#y"}, "url: write where"),
        ({"url": "https://hooks.example:0/"}, "url: write where"),
        ({"url": "https://hooks.example/a b"}, "url: write where"),
        ({"events": []}, "events: name at least one"),
        ({"events": ["tags.*"]}, "is no kind of event"),
        ({"events": ["tag.sett"]}, "the nearest known one is tag.set"),
        ({"repositories": ["app?"]}, "is no pattern"),
        ({"format": "harbour"}, "harbor"),
        ({"headers": ["X-Team"]}, "headers: each is NAME: VALUE"),
        ({"headers": ["X-Team: a\r\nb: c"]}, "headers: each is NAME: VALUE"),
        ({"headers": ["Webhook-Id: 1"]}, "written by the registry itself"),
        ({"headers": ["Host: a"]}, "written by the registry itself"),
        ({"headers": ["Authorization: Bearer x"]}, "use authorization"),
        ({"secret": "whsec_???"}, "base64"),
        ({"secret": "whsec_c2hvcnQ="}, "24 to 64 bytes"),
        ({"second_secret": "x" * 30}, "give both"),
        ({"client_certificate": "x"}, "go together"),
        ({"url": "http://hooks.example/x", "authorization": "Bearer x"}, "over https alone"),
        ({"url": "http://hooks.example/x", "ca_certificate": "x"}, "certificates are for https"),
        ({"parallel": 0}, "parallel"),
        ({"parallel": 17}, "parallel"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(RequestInvalid, match=said.replace("(", r"\(")) as refused:
        hook(**fields)
    assert "hunter22" not in refused.value.message


def test_a_secret_is_a_key_in_base64_or_a_text() -> None:
    assert key_of("whsec_" + "AAAA" * 8) == bytes(24)
    assert key_of("secretsecret") == b"secretsecret"
