"""A sign-in that failed, as those are told who keep count of it: each kind of proof for itself."""

from collections.abc import Callable
from enum import StrEnum

import msgspec


class ProofKind(StrEnum):
    """What somebody tried to prove who they are with."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind
    CODE = "code"
    """Of an authenticator, or for recovery."""
    PASSKEY = "passkey"
    SECRET = "secret"  # noqa: S105
    """A personal access token, a robot's secret, what a login keeps."""
    DEVICE = "device"
    """The code that a program shows which wants to be signed in by a browser."""
    FOREIGN = "foreign"
    """A token of somebody else."""
    CERTIFICATE = "certificate"
    """Of a client."""
    PROVIDER = "provider"
    """What a sign-on provider sent a browser back with."""


#: What an address has to wait for that has failed too often with it. The others cannot be guessed; a job that goes on
#: with an old token, or with somebody else's, is to shut nobody out.
GATED = frozenset({ProofKind.PASSWORD, ProofKind.CODE, ProofKind.PASSKEY, ProofKind.DEVICE})

#: Raises TooManyRequests for an address that has failed too often with a kind of proof to look at one from it now.
Gate = Callable[[str, ProofKind], None]


def no_gate(_address: str, _proof: ProofKind) -> None:
    """Nobody is kept waiting."""


class FailedSignIn(msgspec.Struct, frozen=True):
    """Who was tried, from where, and why it failed. `name` is what was sent: anything at all, up to 128 characters."""

    name: str
    address: str
    request: str
    reason: str
    proof: ProofKind = ProofKind.PASSWORD


#: Told of every failure, at once and many times a second when somebody guesses: it must be quick, and bounded.
OnFailure = Callable[[FailedSignIn], None]

_NAME_MAX = 128


def failure(name: str, address: str, request: str, reason: str, proof: ProofKind = ProofKind.PASSWORD) -> FailedSignIn:
    """One of them, with a name that can be shown."""
    shown = name[:_NAME_MAX] if name.isprintable() else ""
    return FailedSignIn(shown, address, request, reason, proof)
