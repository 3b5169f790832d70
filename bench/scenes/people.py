"""Who there is in Orlop's catalog: many users, grants for some of them, and the robot that the load comes as."""

import base64
import random
from collections.abc import Awaitable, Callable, Iterator

from bench.scenes import content
from orlop.domain.access import Place, PlaceKind, SubjectKind
from orlop.domain.secrets import new_secret, parse_secret
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Identity, NewGrant, Secret

USERS, GRANTS = 10_000, 1_000
ROBOT = "robot+bench"
#: Of the grants, those of the robot: one for each namespace of the crowd and the repositories of blobs.
_OWN = 101

_BY = By("bench", 1_700_000_000_000_000)


def secret() -> str:
    """The robot's secret, the same each time."""
    return new_secret("robot", random.Random(1).randbytes)


def authorization() -> str:
    """What the robot sends as its Authorization header."""
    return f"Basic {base64.b64encode(f'{ROBOT}:{secret()}'.encode()).decode()}"


def steps() -> Iterator[Callable[[Identity], Awaitable[object]]]:
    """The steps that make all of them."""
    yield _account(Account(kind=SubjectKind.ROBOT, name=ROBOT))
    parsed = parse_secret(secret())
    assert parsed is not None
    kept = Secret(account=ROBOT, kind="robot", name="bench", lookup=parsed.lookup, hash=parsed.hash)
    yield lambda identity: identity.secrets.add(kept, _BY, at_most=2)
    for number in range(_OWN - 1):
        yield _grant(ROBOT, f"team{number}")
    yield _grant(ROBOT, content.BLOBS.partition("/")[0])
    for number in range(USERS):
        yield _account(Account(name=f"user{number}"))
    for number in range(GRANTS - _OWN):
        yield _grant(f"user{number}", f"team{number % 100}")


def _account(account: Account) -> Callable[[Identity], Awaitable[object]]:
    return lambda identity: identity.accounts.add(account, _BY)


def _grant(principal: str, namespace: str) -> Callable[[Identity], Awaitable[object]]:
    grant = NewGrant(principal=principal, role="reader", place=Place(PlaceKind.NAMESPACE, namespace))
    return lambda identity: identity.grants.add(grant, _BY)
