"""The routes of the API on Litestar: which end points there are, how they are described, what a request may hold."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import QueryParameter
from litestar.router import Router

from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.fields import nearest, refuse_unknown, unknown_word, words_of
from orlop.faces.api import (
    access,
    advisories,
    attention,
    audit,
    backups,
    browse,
    bundles,
    gates,
    groups,
    house_rules,
    images,
    inside,
    inside_differences,
    inside_searches,
    jobs,
    labels,
    licence_searches,
    licences,
    locks,
    new_findings,
    people,
    places,
    promotion,
    promotion_boards,
    quarantine,
    read_only,
    retention,
    scanners,
    scrub,
    settings,
    signatures,
    signing,
    status,
    tags,
    trash,
    upstreams,
    usage,
    vulnerabilities,
    webhooks,
)
from orlop.faces.api.exchange import PREFIX
from orlop.faces.api.problems import MEDIA_TYPE, MediaTypeUnknown, MethodUnknown, PathUnknown, extra_headers, problem
from orlop.services.desks import Desks
from orlop.services.management.operations import RULES, Operation

_log = structlog.get_logger("orlop.api")

_KINDS = "orlop.kinds"
#: Where the name of a request stands in an ASGI scope, and the error that was its answer.
REQUEST_ID, ERROR = "orlop.request_id", "orlop.error"

_DESCRIPTION = """Who there is, and who may do what, in an Orlop registry.

Sign in with Basic: a name with a password or a personal access token. Lists have pages: `n` entries after `last`, with
a link to the next in `Link`. What has a version has it as `ETag`; PUT wants it in `If-Match`, or `If-None-Match: *` to
make something new. POST takes an `Idempotency-Key`. Errors are problem details (RFC 9457)."""

_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json(?:\s*;.*)?", re.ASCII | re.IGNORECASE)


def routes(desks: Desks) -> Litestar:
    """The application below /api/v1. Who asks has to stand in the scope, see exchange."""
    management = desks.management
    handlers: list[HTTPRouteHandler] = [
        *people.oneself(management),
        *people.users(management),
        *places.sessions(management),
        *people.robots(management),
        *people.secrets(management),
        *groups.groups(management),
        *groups.grants(management),
        *places.namespaces(management),
        *places.repositories(management, desks.repositories, desks.holdings),
        *tags.tags(desks.past, desks.removal),
        *locks.locks(desks.locks),
        *quarantine.quarantine(desks.quarantine),
        *trash.trash(desks.trash),
        *labels.labels(desks.labels),
        *settings.settings(management.settings),
        *house_rules.house_rules(management),
        *places.adoption(management),
        *places.provider_tests(desks.providers),
        *places.keys(management),
        *access.access(management),
        *attention.attention(desks.attention, desks.health, desks.configuration),
        *status.status(desks.status),
        *read_only.read_only(desks.read_only),
        *audit.audit(desks.audit),
        *webhooks.webhooks(desks.webhooks),
        *webhooks.followers(desks.followers),
        *jobs.jobs(desks.jobs),
        *usage.usage(desks.usage),
        *retention.plans(desks.retention),
        *retention.trials(desks.trials),
        *retention.in_use(desks.in_use),
        *retention.inventory(desks.inventory),
        *scrub.scrub(desks.scrub),
        *upstreams.upstreams(desks.upstreams),
        *browse.browse(management.gate, desks.browsing, desks.counts, desks.reports),
        *images.images(desks.images),
        *advisories.advisories(desks.advisories),
        *vulnerabilities.vulnerabilities(desks.vulnerabilities, desks.scan_reports, desks.licences),
        *scanners.scanners(desks.scanners),
        *scanners.scan_reports(desks.scan_reports),
        *inside.insides(desks.insides),
        *signatures.signatures(desks.signatures),
        *signing.signing(desks.attestation_keys),
        *backups.backups(desks.backups),
        *inside_differences.inside_differences(desks.comparison),
        *inside_searches.inside_searches(
            management.gate, desks.packages, desks.hits, desks.reports, desks.finding_history
        ),
        *licences.licences(desks.licences),
        *licence_searches.licence_searches(management.gate, desks.licence_search),
        *new_findings.new_findings(management.gate, desks.new_findings),
        *gates.gates(desks.gates),
        *promotion.promotions(desks.promotions),
        *promotion_boards.promotion_boards(desks.promotion_boards, desks.promotion_trials),
        *bundles.bundles(desks.bundles, desks.bundle_standings),
    ]
    for handler in handlers:  # a route that names no operation of the table is none
        assert Operation(handler.opt["operation"]) in RULES, handler
    return Litestar(
        route_handlers=[Router(PREFIX, route_handlers=handlers)],
        guards=[_well_formed, read_only.refuses_writes(desks.read_only)],
        exception_handlers={
            RegistryError: _refused,
            HTTPException: _of_litestar,
            RecursionError: _too_deep,
            Exception: _failed,
        },
        openapi_config=OpenAPIConfig(
            title="Orlop",
            version="1",
            description=_DESCRIPTION,
            components=Components(security_schemes={"basic": SecurityScheme(type="http", scheme="basic")}),
            security=[{"basic": []}],
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],  # pages that fetch scripts from elsewhere are none of ours
            path=f"{PREFIX}/schema",
        ),
        logging_config=None,
        debug=False,
        state=State({_KINDS: management.settings.kinds}),
    )


def description(app: Litestar) -> bytes:
    """The OpenAPI description, always in the same words."""
    described = app.openapi_schema.to_schema()
    settings.describe(described, app.state[_KINDS])
    for schema in described["components"]["schemas"].values():
        schema.pop("default", None)  # of the field that came by first, and not of the type
    return msgspec.json.format(msgspec.json.encode(described, order="sorted"), indent=1) + b"\n"


async def _well_formed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises RequestInvalid for parameters and fields that nobody knows, before anything is read into its types."""
    signature = handler.parsed_fn_signature
    known = {
        str(definition.kwarg_definition.name): _words_of(definition.annotation)
        for definition in signature.parameters.values()
        if isinstance(definition.kwarg_definition, QueryParameter)
    }
    for name in connection.query_params:
        if name not in known:
            raise RequestInvalid(
                f"there is no parameter {name[:64]}{nearest(name, tuple(sorted(known)))}", {"parameter": name[:64]}
            )
    for name in known:
        given = connection.query_params.getall(name, [])
        if len(given) > 1:
            raise RequestInvalid(f"the parameter {name} is there more than once", {"parameter": name})
        if given and (words := known[name]) and given[0] not in words:
            raise RequestInvalid(f"{name}: {unknown_word(given[0], words)}", {"parameter": name})
    assert isinstance(connection, Request)
    body = await connection.body()
    data = signature.parameters.get("data")
    if data is None:
        if body:
            raise RequestInvalid("a request of this kind has no body")
        return
    if not _JSON.fullmatch(connection.headers.get("content-type", "")):
        raise MediaTypeUnknown("the body is JSON: say so with Content-Type: application/json")
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise RequestInvalid(f"the body is not valid JSON: {error}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalid("the body is not valid JSON: text that is no UTF-8, or too deep") from error
    if not isinstance(value, dict):
        raise RequestInvalid("the body is a JSON object")
    if data.annotation is not dict and isinstance(data.annotation, type):
        refuse_unknown(data.annotation, value)


@cache
def _words_of(annotation: Any) -> tuple[str, ...]:
    return words_of(annotation)


def _refused(request: Request[Any, Any, Any], error: RegistryError) -> Response[Any]:
    """An error of ours."""
    request.scope[ERROR] = error  # type: ignore[literal-required]
    told = problem(error, request.scope["path"], str(request.scope.get(REQUEST_ID, "")))
    return Response(told, status_code=told.status, media_type=MEDIA_TYPE, headers=dict(extra_headers(error)))


def _of_litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework refuses, in our words."""
    match error:
        case NotFoundException():
            return _refused(request, PathUnknown("no end point of the API has this path; see /api/v1/openapi.json"))
        case MethodNotAllowedException():
            allowed = (error.headers or {}).get("allow") or (error.headers or {}).get("Allow") or ""
            return _refused(request, MethodUnknown(f"{request.method[:32]} is not supported here", allowed))
        case ValidationException() | SerializationException():
            return _refused(request, RequestInvalid(_words(error)))
    return _failed(request, error)


def _too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
    return _refused(request, RequestInvalid("the body is too deep"))


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A defect of ours, which the log describes."""
    name, path = str(request.scope.get(REQUEST_ID, "")), request.scope["path"]
    _log.error("a request failed", request_id=name, method=request.method, path=path, exc_info=error)
    return _refused(request, RegistryError("the registry failed; its log says why"))


def _words(error: HTTPException) -> str:
    """What does not fit, and where."""
    extra: Sequence[Any] | Mapping[str, Any] | None = error.extra
    if isinstance(extra, list) and extra and isinstance(extra[0], dict):
        first = extra[0]
        return f"{first.get('key') or first.get('source') or 'the request'}: {str(first.get('message', ''))[:300]}"
    return f"the request cannot be read: {str(error.detail)[:300]}"
