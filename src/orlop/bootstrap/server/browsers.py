"""Builds what signs browsers in, and programs by a browser."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.adapters.identity.oidc import OpenIdClient
from orlop.adapters.secret_references import SecretFetcher
from orlop.bootstrap.server.sign_in import Chance, SignIn
from orlop.config import Settings
from orlop.domain.job_kinds import SESSIONS, SIGN_IN_STEPS, SIGN_ONS
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.identity import Identity
from orlop.services.identity.browser_steps import BrowserSteps
from orlop.services.identity.devices import DeviceSignIn
from orlop.services.identity.failures import Gate, OnFailure, ProofKind, no_gate
from orlop.services.identity.lockout import Lockout
from orlop.services.identity.passkeys import Passkeys
from orlop.services.identity.second_factors import SecondFactors
from orlop.services.identity.sessions import BrowserSessions
from orlop.services.identity.sign_on import BrowserSignOn, ProviderDirectory
from orlop.services.identity.sign_on_checks import SignOnChecks
from orlop.services.jobs.work import Work, plain
from orlop.services.management.operations import Gate as Operations

#: How often it is looked who is to be asked about, and how often what is over is removed, in microseconds.
_CHECK_EVERY = 30 * SECOND
_FORGET_EVERY = HOUR


class Browsers(msgspec.Struct, frozen=True):
    """What signs browsers in and keeps them so. `close` when done."""

    sessions: BrowserSessions
    steps: BrowserSteps
    factors: SecondFactors
    passkeys: Passkeys
    sign_on: BrowserSignOn
    on_failure: OnFailure
    gate: Gate
    chance: Chance
    jobs: tuple[Work, ...]
    close: Callable[[], Awaitable[None]]


def build_browsers(
    settings: Settings,
    identity: Identity,
    sign_in: SignIn,
    on_failure: OnFailure,
    chance: Chance | None = None,
    gate: Gate = no_gate,
) -> Browsers:
    """Of one process, with the jobs that belong to it. `on_failure` hears of every failure to sign in."""
    chance = chance or Chance()
    clock, draw = chance.clock, chance.draw
    openid = OpenIdClient(clock, SecretFetcher(settings.secrets.places), settings.outbound.allowed)
    directory = ProviderDirectory(identity.documents)
    sessions = BrowserSessions(identity.sessions, sign_in.uses, clock, draw)
    steps = BrowserSteps(identity.steps, clock, draw)
    lockout = Lockout(identity.attempts, clock, ProofKind.CODE)
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
    jobs = (
        Work(SIGN_ONS, plain(checks.run), _CHECK_EVERY),
        Work(SESSIONS, plain(sessions.forget), _FORGET_EVERY),
        Work(SIGN_IN_STEPS, plain(steps.forget), _FORGET_EVERY),
    )
    return Browsers(
        sessions,
        steps,
        SecondFactors(identity.passwords, identity.steps, lockout, clock, draw, on_failure, gate),
        Passkeys(identity.passwords, identity.facts, clock, draw, on_failure, gate),
        sign_on,
        on_failure,
        gate,
        chance,
        jobs,
        openid.close,
    )


def build_devices(identity: Identity, operations: Operations, browsers: Browsers) -> DeviceSignIn:
    """Signs programs in by the browser of somebody."""
    clock, draw = browsers.chance.clock, browsers.chance.draw
    return DeviceSignIn(
        identity.steps,
        identity.accounts,
        identity.secrets,
        operations,
        Lockout(identity.attempts, clock, ProofKind.DEVICE),
        clock,
        draw,
        browsers.on_failure,
        browsers.gate,
    )
