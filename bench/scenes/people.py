"""Who there is in Orlop's catalogs: many users, grants for some of them, and the robot that the load comes as."""

import base64
import random
from collections.abc import Awaitable, Callable, Iterator

from bench.scenes import content
from orlop.domain.access import Place, PlaceKind, SubjectKind
from orlop.domain.identity.secrets import new_secret, parse_secret
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Identity, Namespace, NewGrant, Secret

USERS, GRANTS = 10_000, 1_000
ROBOT = "robot+bench"
#: What the robot may do, by namespace.
_OWN = {f"team{number}": "reader" for number in range(100)} | {
    "growth": "reader",
    content.BLOBS.partition("/")[0]: "publisher",
    "push": "publisher",
}

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
    for namespace, role in _OWN.items():
        yield _namespace(namespace)
        yield _grant(ROBOT, role, namespace)
    for number in range(USERS):
        yield _account(Account(name=f"user{number}"))
    for number in range(GRANTS - len(_OWN)):
        yield _grant(f"user{number}", "reader", f"team{number % 100}")


def _account(account: Account) -> Callable[[Identity], Awaitable[object]]:
    return lambda identity: identity.accounts.add(account, _BY)


def _namespace(path: str) -> Callable[[Identity], Awaitable[object]]:
    return lambda identity: identity.namespaces.put(Namespace(path=path), _BY)


def _grant(principal: str, role: str, namespace: str) -> Callable[[Identity], Awaitable[object]]:
    grant = NewGrant(principal=principal, role=role, place=Place(PlaceKind.NAMESPACE, namespace))
    return lambda identity: identity.grants.add(grant, _BY)
