"""Builds the API. What it is made with takes a while to import, so it is built when it is first asked."""

from collections.abc import Callable

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.sign_in import SignIn
from orlop.config import Settings
from orlop.faces.api.app import ApiFace
from orlop.faces.api.routes import routes
from orlop.faces.http.counted import UNCOUNTED, Counted
from orlop.faces.http.shell import Shell
from orlop.ports.idempotency import KeptAnswers
from orlop.services.desks import Desks
from orlop.services.management.idempotency import Idempotency
from orlop.telemetry.requests import RequestLog


def api_app(
    settings: Settings,
    desks: Desks,
    sign_in: SignIn,
    answers: KeptAnswers,
    log: RequestLog,
    request_ids: Callable[[], str],
    counted: Counted = UNCOUNTED,
) -> Shell:
    """The API, which takes `/api`."""
    face = ApiFace(
        routes(desks),
        sign_in.authentication,
        Idempotency(answers, SystemClock()),
        counted,
        sign_in.credentials,
        desks.read_only.mode.failed,
    )
    return Shell(face, log, request_ids, sign_in.credentials.proxies.client)
