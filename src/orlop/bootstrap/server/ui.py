"""Builds the pages for people, and what signs browsers in."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.adapters.identity.oidc import OpenIdClient
from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.server.sign_in import Chance, SignIn
from orlop.config import Settings
from orlop.domain.job_kinds import SESSIONS, SIGN_IN_STEPS, SIGN_ONS
from orlop.faces.http.shell import Shell
from orlop.faces.ui.account import OwnAccount
from orlop.faces.ui.app import UiFace, UiHandlers
from orlop.faces.ui.factors import OwnFactors
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.signing_in import SigningIn
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.identity import Identity
from orlop.services.identity.browser_steps import BrowserSteps
from orlop.services.identity.failures import Gate, OnFailure, ProofKind, no_gate
from orlop.services.identity.lockout import Lockout
from orlop.services.identity.passkeys import Passkeys
from orlop.services.identity.second_factors import SecondFactors
from orlop.services.identity.sessions import BrowserSessions
from orlop.services.identity.sign_on import BrowserSignOn, ProviderDirectory
from orlop.services.identity.sign_on_checks import SignOnChecks
from orlop.services.jobs.work import Work, plain
from orlop.services.management.all import Management
from orlop.telemetry.requests import RequestLog

#: How often it is looked who is to be asked about, and how often what is over is removed, in microseconds.
_CHECK_EVERY = 30 * SECOND
_FORGET_EVERY = HOUR


class Browsers(msgspec.Struct, frozen=True):
    """Everything about browsers that sign in. `close` when done."""

    app: Shell
    jobs: tuple[Work, ...]
    close: Callable[[], Awaitable[None]]


def build_browsers(
    settings: Settings,
    identity: Identity,
    sign_in: SignIn,
    management: Management,
    log: RequestLog,
    request_ids: Callable[[], str],
    on_failure: OnFailure,
    chance: Chance | None = None,
    gate: Gate = no_gate,
) -> Browsers:
    """The pages of one process, and the jobs that belong to them. `on_failure` hears of every failure to sign in."""
    chance = chance or Chance()
    clock, draw = chance.clock, chance.draw
    openid = OpenIdClient(clock, SecretFetcher(settings.secrets.places), settings.outbound.allowed)
    directory = ProviderDirectory(identity.documents)
    sessions = BrowserSessions(identity.sessions, sign_in.uses, clock, draw)
    steps = BrowserSteps(identity.steps, clock, draw)
    lockout = Lockout(identity.attempts, clock, ProofKind.CODE)
    factors = SecondFactors(identity.passwords, identity.steps, lockout, clock, draw, on_failure, gate)
    passkeys = Passkeys(identity.passwords, identity.facts, clock, draw, on_failure, gate)
    sign_on = BrowserSignOn(
        directory,
        openid,
        sign_in.provisioning,
        identity.accounts,
        identity.external,
        identity.sessions,
        identity.steps,
        identity.sign_ons,
        clock,
        draw,
    )
    checks = SignOnChecks(
        directory,
        openid,
        sign_in.provisioning,
        identity.accounts,
        identity.sessions,
        identity.sign_ons,
        clock,
    )
    pages = Pages()
    handlers = UiHandlers(
        SigningIn(pages, sign_in.passwords, identity.accounts, factors, passkeys, sessions, steps, sign_on, on_failure),
        OwnAccount(
            pages,
            identity.accounts,
            identity.members,
            management,
            sign_in.passwords,
            factors,
            sessions,
            identity.facts,
            least=settings.auth.password_length,
        ),
        OwnFactors(pages, sign_in.passwords, factors, passkeys, steps),
    )
    jobs = (
        Work(SIGN_ONS, plain(checks.run), _CHECK_EVERY),
        Work(SESSIONS, plain(sessions.forget), _FORGET_EVERY),
        Work(SIGN_IN_STEPS, plain(steps.forget), _FORGET_EVERY),
    )
    proxies = sign_in.challenges.proxies
    app = Shell(UiFace(handlers, pages, sessions, proxies, draw), log, request_ids, proxies.client)
    return Browsers(app, jobs, openid.close)


def mounted(browsers: Browsers) -> dict[str, Shell]:
    """The first components of paths that are pages, and the path of the root."""
    return dict.fromkeys(("/", "login", "logout", "account", "static"), browsers.app)
