"""Every operation of management, with each way in which it lets somebody do more than before, tried by a giver who may
do the operation and does not have what it gives: refused, until they have it.

An operation that is declared neither to widen nor to leave everybody with what they have fails the test.
"""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from orlop.domain.access import Action, Caller, Conditions, Effect, Limit, Place, Visibility
from orlop.domain.backup_schedules import BACKUP_SCHEDULES
from orlop.domain.errors import Denied, RegistryError
from orlop.domain.inside.sources import ADVISORY_SOURCES
from orlop.domain.kinds import KINDS as ALL_KINDS
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.scanning.scanner import SCANNERS
from orlop.domain.settings import SettingKind, SpeaksFor, lending_nothing, silent
from orlop.domain.virtuals import VIRTUALS
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.ports.identity import Account, AccountChange, Document, Namespace, NewGrant
from orlop.services.management.operations import Operation
from orlop.services.trash.namespaces import NamespaceRestoration
from tests.catalogs import rows
from tests.unit.management.scene import BY, NOW, REGISTRY, Scene, namespace, repositories, scene

Step = Callable[[Scene], Awaitable[object]]
Tried = Callable[[Scene, Caller], Awaitable[object]]

HOUR = 3_600_000_000
TEAM, OTHER = namespace("team"), namespace("other")
DEV, PROD = namespace("team/dev"), namespace("team/prod")
PULL = Limit(frozenset({Action.PULL}), TEAM)
OFFICE = Conditions(networks=("192.0.2.0/24",))
PRIVATE, INTERNAL, PUBLIC = Visibility.PRIVATE, Visibility.INTERNAL, Visibility.PUBLIC


class Standing(msgspec.Struct, frozen=True):
    """A document that lets others sign in as an account."""

    account: str


KINDS = {
    "standing": SettingKind(
        kind="standing",
        plural="standings",
        text="Stands for an account.",
        body=Standing,
        speaks_for=lambda name, before, body: SpeaksFor((body.account,)),
        placed=False,
        change=Action.SYSTEM,
    ),
    WEBHOOKS.kind: WEBHOOKS,
    SCANNERS.kind: SCANNERS,
    VIRTUALS.kind: VIRTUALS,
    ADVISORY_SOURCES.kind: ADVISORY_SOURCES,
    PIPELINES.kind: PIPELINES,
    BACKUP_SCHEDULES.kind: BACKUP_SCHEDULES,
}


class Way(msgspec.Struct, frozen=True):
    """One way to let somebody do more: `gil` tries it in a registry where `before` was done.

    `missing` is what gil lacks and has to get for it to be let through.
    """

    name: str
    tried: Tried
    before: tuple[Step, ...]
    missing: Step
    limits: tuple[Limit, ...] | None = None
    """What gil's token may be used for, where gil comes with one to begin with, and signs in with a password then."""


def holds(principal: str, role: str, place: Place, effect: Effect = Effect.ALLOW) -> Step:
    return lambda scene: scene.grant(principal, role, place, effect)


def conditional(principal: str, role: str, place: Place, conditions: Conditions, expires_at: int = 0) -> Step:
    grant = NewGrant(principal=principal, role=role, place=place, conditions=conditions, expires_at=expires_at)
    return lambda scene: scene.identity.grants.add(grant, BY)


def lifted(scene: Scene) -> Awaitable[None]:
    """The grant that was made last is gone."""
    return scene.identity.grants.remove(_last_grant(scene), BY)


def _last_grant(scene: Scene) -> int:
    [(last,)] = rows(scene.catalog, "SELECT max(id) FROM grants")
    return int(last)


def shown(path: str, visibility: Visibility | None) -> Step:
    return lambda scene: scene.identity.namespaces.put(Namespace(path=path, visibility=visibility), BY)


def sets(path: str, visibility: Visibility | None) -> Tried:
    return lambda s, c: s.management.namespaces.put(c, Namespace(path=path, visibility=visibility), None)


def role(name: str, *actions: Action) -> Step:
    async def step(scene: Scene) -> object:
        return await scene.management.settings.put(
            await scene.caller("root"), "role", name, {"actions": list(actions)}, 0
        )

    return step


def gives(principal: str, role: str, place: Place) -> Tried:
    new = NewGrant(principal=principal, role=role, place=place)
    return lambda s, c: s.management.grants.add(c, new)


def last_grant_goes(scene: Scene, caller: Caller) -> Awaitable[None]:
    return scene.management.grants.remove(caller, _last_grant(scene))


#: gil may change the registry's users and groups, and has no other action.
HELPDESK = (role("helpdesk", Action.SYSTEM), holds("gil", "helpdesk", REGISTRY))
#: gil decides who may do what in `team`, and may not read there.
KEEPER = (role("keeper", Action.ADMIN), holds("gil", "keeper", TEAM))
OWNER = (holds("gil", "owner", TEAM),)
READS = holds("gil", "reader", TEAM)


async def moved_provider(scene: Scene) -> None:
    """`corp` vouched for `eva` under an issuer that it has no more."""
    account = Account(name="eva", source="corp", external="sub-1", authority="https://before.example")
    await scene.identity.accounts.add(account, BY)
    body = msgspec.json.encode({"type": "oidc", "issuer": "https://now.example", "client_id": "orlop"})
    await scene.identity.documents.put(Document("provider", "corp", body), BY)


def hook(path: str, *events: str, **more: object) -> Tried:
    body = {"url": "https://hooks.example/x", "events": list(events), **more}
    return lambda s, c: s.management.settings.put(c, "webhook", "deploys", body, None, path)


async def hooked(scene: Scene) -> None:
    """`team` has a webhook that is disabled."""
    body = {"url": "https://hooks.example/x", "events": ["tag.*"], "disabled": True}
    await scene.management.settings.put(await scene.caller("root"), "webhook", "deploys", body, 0, "team")


def scans(url: str) -> Tried:
    return lambda s, c: s.management.settings.put(c, "scanner", "judge", {"url": url}, None, "team")


async def scanned(scene: Scene) -> None:
    """`team` has a scanner."""
    await scene.management.settings.put(
        await scene.caller("root"), "scanner", "judge", {"url": "https://scanner.example"}, 0, "team"
    )


def trashed(visibility: Visibility | None, *grants: tuple[str, str], webhook: bool = False) -> Step:
    """`team/gone` was deleted with that visibility, these grants on it, and a webhook."""

    async def step(scene: Scene) -> None:
        await scene.identity.namespaces.put(Namespace(path="team/gone", visibility=visibility), BY)
        for principal, granted in grants:
            await scene.grant(principal, granted, namespace("team/gone"))
        if webhook:
            body = {"url": "https://hooks.example/x", "events": ["tag.*"]}
            await scene.management.settings.put(await scene.caller("root"), "webhook", "x", body, 0, "team/gone")
        await scene.identity.namespaces.remove("team/gone", BY, 1 << 60)

    return step


def restores(scene: Scene, caller: Caller) -> Awaitable[object]:
    made = scene.management
    rows_of = scene.identity.namespaces
    return NamespaceRestoration(
        made.gate, made.namespaces, made.settings, made.grants, rows_of, scene.catalog.catalog.namespace_trash
    ).restore(caller, "team/gone")


def shows(*members: str, push_to: str = "") -> Tried:
    body = {"members": list(members), "push_to": push_to}
    return lambda s, c: s.management.settings.put(c, "virtual", "all", body, None, "team")


async def shows_team_b(scene: Scene) -> None:
    """`team` shows `team-b`, and takes no pushes."""
    await shows("team-b/")(scene, await scene.caller("root"))


def promotes(**more: object) -> Tried:
    body = {"stages": ["dev=team/dev/", "prod=team/prod/"], **more}
    return lambda s, c: s.management.settings.put(c, "pipeline", "app", body, None, "team")


async def approved(scene: Scene) -> None:
    """Images enter `team/prod` by themselves once somebody approves."""
    await promotes(automatic=["prod"], approvals=["prod=1"])(scene, await scene.caller("root"))


#: gil changes the rules of `team`, and may not read there.
RULES_ALONE = (role("ruler", Action.POLICY_EDIT), holds("gil", "ruler", TEAM))

WIDENING: dict[Operation, tuple[Way, ...]] = {
    Operation.PASSWORD_SET: (
        Way(
            "an owner's password",
            lambda s, c: s.management.users.set_password(c, "ann", "correct horse battery", must_change=False),
            HELPDESK,
            holds("gil", "owner", TEAM),
        ),
    ),
    Operation.USER_CHANGE: (
        Way(
            "let an owner in again",
            lambda s, c: s.management.users.change(c, "ann", AccountChange(disabled=""), None),
            (*HELPDESK, lambda s: s.identity.accounts.change("ann", AccountChange(disabled="away"), BY)),
            holds("gil", "owner", TEAM),
        ),
    ),
    Operation.ROBOT_CHANGE: (
        Way(
            "let a robot in again",
            lambda s, c: s.management.robots.change(c, "robot+ci", AccountChange(disabled=""), None),
            (*OWNER, lambda s: s.robot("robot+ci", "team", ("reader", OTHER))),
            holds("gil", "reader", OTHER),
        ),
    ),
    Operation.ROBOT_REMOVE: (
        Way(
            "what is denied to a robot goes with it",
            lambda s, c: s.management.robots.remove(c, "robot+ci", None),
            (*OWNER, lambda s: s.robot("robot+ci", "team"), holds("robot+ci", "reader", OTHER, Effect.DENY)),
            holds("gil", "reader", OTHER),
        ),
    ),
    Operation.ROBOT_SECRET_ISSUE: (
        Way(
            "a secret",
            lambda s, c: s.management.robots.issue(c, "robot+ci", "", None, 0),
            (*OWNER, lambda s: s.robot("robot+ci", "team", ("reader", OTHER))),
            holds("gil", "reader", OTHER),
        ),
        Way(
            "a secret of a robot that is in a group",
            lambda s, c: s.management.robots.issue(c, "robot+ci", "", None, 0),
            (
                *OWNER,
                lambda s: s.robot("robot+ci", "team"),
                lambda s: s.group("machines", ("robot+ci",), ("reader", OTHER)),
            ),
            holds("gil", "reader", OTHER),
        ),
        Way(
            "another secret",
            lambda s, c: s.management.robots.rotate(c, "robot+ci", None),
            (
                *OWNER,
                lambda s: s.robot("robot+ci", "team"),
                lambda s: s.with_token("robot+ci", None, kind="robot"),
                holds("robot+ci", "reader", OTHER),
            ),
            holds("gil", "reader", OTHER),
        ),
    ),
    Operation.TOKEN_ISSUE: (
        Way(
            "a wider token",
            lambda s, c: s.management.tokens.issue(c, "", None, NOW + HOUR),
            OWNER,
            holds("gil", "reader", OTHER),
            limits=(PULL,),
        ),
    ),
    Operation.GROUP_REMOVE: (
        Way(
            "what is denied to a group goes with it",
            lambda s, c: s.management.groups.remove(c, "shut", None),
            (*HELPDESK, lambda s: s.group("shut", ("eve",)), holds("group:shut", "reader", TEAM, Effect.DENY)),
            READS,
        ),
    ),
    Operation.MEMBER_CHANGE: (
        Way(
            "join",
            lambda s, c: s.management.groups.join(c, "staff", "eve"),
            (*HELPDESK, lambda s: s.group("staff", (), ("reader", TEAM))),
            READS,
        ),
        Way(
            "leave what denies",
            lambda s, c: s.management.groups.leave(c, "shut", "eve"),
            (*HELPDESK, lambda s: s.group("shut", ("eve",)), holds("group:shut", "reader", TEAM, Effect.DENY)),
            READS,
        ),
    ),
    Operation.GRANT_ADD: (
        Way("a role", gives("eve", "reader", TEAM), KEEPER, READS),
        Way(
            "a role under a denial",
            gives("eve", "reader", TEAM),
            (*OWNER, holds("gil", "reader", repositories("team/prod-*"), Effect.DENY)),
            lifted,
        ),
    ),
    Operation.GRANT_REMOVE: (
        Way("lift a denial", last_grant_goes, (*KEEPER, holds("eve", "reader", TEAM, Effect.DENY)), READS),
        Way(
            "lift a denial of moving tags, which is one of removing them",
            last_grant_goes,
            (
                *KEEPER,
                role("mover", Action.OVERWRITE),
                holds("gil", "mover", TEAM),
                holds("eve", "mover", TEAM, Effect.DENY),
            ),
            holds("gil", "maintainer", TEAM),
        ),
    ),
    Operation.TRASH_RESTORE: (
        Way("a namespace that everybody read", restores, (*KEEPER, trashed(PUBLIC)), READS),
        Way(
            "a namespace with a grant of more",
            restores,
            (*KEEPER, trashed(None, ("eve", "publisher"))),
            holds("gil", "publisher", TEAM),
        ),
        Way(
            "a namespace with rules",
            restores,
            (*KEEPER, trashed(None, webhook=True)),
            holds("gil", "owner", TEAM),
        ),
    ),
    Operation.NAMESPACE_CHANGE: (
        Way("public", sets("team", PUBLIC), KEEPER, READS),
        Way("internal", sets("team", INTERNAL), KEEPER, READS),
        Way("from internal to public", sets("team", PUBLIC), (*KEEPER, shown("team", INTERNAL)), READS),
        Way("a new one, public", sets("team/new", PUBLIC), KEEPER, READS),
        Way("what a private one hid", sets("team", None), (*KEEPER, shown("", PUBLIC), shown("team", PRIVATE)), READS),
        Way("more than what is above", sets("team/new", PUBLIC), (*KEEPER, shown("team", INTERNAL)), READS),
        Way(
            "the whole registry",
            sets("", PUBLIC),
            (role("keeper", Action.ADMIN), holds("gil", "keeper", REGISTRY), READS),
            holds("gil", "reader", REGISTRY),
        ),
        Way("with pull alone", sets("team", PUBLIC), (*KEEPER, holds("gil", "guest", TEAM)), READS),
        Way(
            "an owner who may not read there",
            sets("team", PUBLIC),
            (*OWNER, holds("gil", "guest", TEAM, Effect.DENY)),
            lifted,
        ),
        Way(
            "an owner whose group may not read there",
            sets("team", INTERNAL),
            (*OWNER, lambda s: s.group("shut", ("gil",)), holds("group:shut", "reader", TEAM, Effect.DENY)),
            lifted,
        ),
        Way(
            "an owner who may not read below",
            sets("team", PUBLIC),
            (*OWNER, holds("gil", "reader", namespace("team/prod"), Effect.DENY)),
            lifted,
        ),
        Way(
            "an owner who may not read some repositories",
            sets("team", PUBLIC),
            (*OWNER, holds("gil", "reader", repositories("team/*-prod"), Effect.DENY)),
            lifted,
        ),
        Way(
            "one who may read from the office alone",
            sets("team", PUBLIC),
            (*KEEPER, conditional("gil", "reader", TEAM, OFFICE)),
            READS,
        ),
        Way(
            "one who may read for a while",
            sets("team", PUBLIC),
            (*KEEPER, conditional("gil", "reader", TEAM, Conditions(), NOW + HOUR)),
            READS,
        ),
        Way(
            "with a token for administering",
            sets("team", PUBLIC),
            OWNER,
            holds("gil", "guest", TEAM),
            limits=(Limit(frozenset({Action.ADMIN}), TEAM),),
        ),
    ),
    Operation.NAMESPACE_REMOVE: (
        Way(
            "a private one below a public one",
            lambda s, c: s.management.namespaces.remove(c, "team/new", None),
            (*KEEPER, shown("team", PUBLIC), shown("team/new", PRIVATE)),
            READS,
        ),
        Way(
            "an internal one below a public one",
            lambda s, c: s.management.namespaces.remove(c, "team/new", None),
            (*KEEPER, shown("", PUBLIC), shown("team/new", INTERNAL)),
            READS,
        ),
        Way(
            "what is denied there goes with it",
            lambda s, c: s.management.namespaces.remove(c, "team/new", None),
            (*KEEPER, shown("team/new", None), holds("eve", "reader", namespace("team/new"), Effect.DENY)),
            READS,
        ),
    ),
    Operation.SETTING_CHANGE: (
        Way(
            "mean more by it",
            lambda s, c: s.management.settings.put(c, "role", "some", {"actions": [Action.LIST, Action.PULL]}, None),
            (*HELPDESK, role("some", Action.LIST)),
            holds("gil", "reader", REGISTRY),
        ),
        Way(
            "a webhook that tells of what gil may not read",
            hook("team", "tag.*"),
            RULES_ALONE,
            READS,
        ),
        Way("a scanner that pulls what gil may not read", scans("https://scanner.example"), RULES_ALONE, READS),
        Way("a scanner at another address", scans("https://other.example"), (*RULES_ALONE, scanned), READS),
        Way("a webhook that tells again", hook("team", "tag.*"), (*RULES_ALONE, hooked), READS),
        Way(
            "a webhook that tells of what is denied to gil below",
            hook("team", "manifest.pushed", repositories=["app*"]),
            (*OWNER, holds("gil", "reader", namespace("team/prod"), Effect.DENY)),
            lifted,
        ),
        Way(
            "a webhook that tells what the audit log does",
            hook("team", "*"),
            (holds("gil", "maintainer", TEAM),),
            holds("gil", "owner", TEAM),
        ),
        Way(
            "a webhook that tells of refusals, to who audits the registry",
            hook("team", "access.refused"),
            (holds("gil", "maintainer", TEAM),),
            holds("gil", "auditor", REGISTRY),
        ),
        Way(
            "a webhook that tells of accounts",
            hook("", "account.*"),
            (holds("gil", "owner", REGISTRY),),
            holds("gil", "auditor", REGISTRY),
        ),
        Way("a virtual that shows what gil may not read", shows("other/"), OWNER, holds("gil", "reader", OTHER)),
        Way(
            "a virtual that shows another member, too",
            shows("team-b/", "other/"),
            (*OWNER, shows_team_b),
            holds("gil", "reader", OTHER),
        ),
        Way(
            "a virtual that shows what is denied to gil below",
            shows("other/"),
            (*OWNER, holds("gil", "reader", OTHER), holds("gil", "reader", namespace("other/prod"), Effect.DENY)),
            lifted,
        ),
        Way(
            "a virtual that takes pushes for a place that gil may not push to",
            shows("team-b/", push_to="team-b/"),
            (*OWNER, holds("gil", "reader", namespace("team-b")), shows_team_b),
            holds("gil", "publisher", namespace("team-b")),
        ),
        Way(
            "a virtual that takes pushes for a place where gil may push for a while",
            shows("other/", push_to="other/"),
            (*OWNER, holds("gil", "reader", OTHER), conditional("gil", "publisher", OTHER, Conditions(), NOW + HOUR)),
            holds("gil", "publisher", OTHER),
        ),
        Way(
            "a pipeline that promotes by itself from where gil may not pull",
            promotes(automatic=["prod"]),
            (*RULES_ALONE, holds("gil", "publisher", PROD)),
            holds("gil", "reader", DEV),
        ),
        Way(
            "a pipeline that promotes by itself to where gil may not push",
            promotes(automatic=["prod"]),
            (*RULES_ALONE, holds("gil", "reader", TEAM)),
            holds("gil", "maintainer", PROD),
        ),
        Way(
            "a pipeline that promotes by itself, and asks nobody any more",
            promotes(automatic=["prod"]),
            (*RULES_ALONE, approved, holds("gil", "reader", TEAM)),
            holds("gil", "maintainer", PROD),
        ),
        Way(
            "a source of advisories in a repository that gil may not read",
            lambda s, c: s.management.settings.put(c, "advisory-source", "osv", {"url": "oci:other/osv:latest"}, None),
            (role("feeder", Action.SYSTEM), holds("gil", "feeder", REGISTRY)),
            holds("gil", "reader", OTHER),
        ),
        Way(
            "backups of everything, by somebody who may not read everything",
            lambda s, c: s.management.settings.put(
                c, "backup-schedule", "nightly", {"to": "s3://theirs/bk", "cron": "0 2 * * *"}, None
            ),
            (role("feeder", Action.SYSTEM), holds("gil", "feeder", REGISTRY)),
            holds("gil", "admin", REGISTRY),
        ),
        Way(
            "a document by which others sign in as an account",
            lambda s, c: s.management.settings.put(c, "standing", "made", {"account": "ann"}, None),
            HELPDESK,
            holds("gil", "owner", TEAM),
        ),
    ),
    Operation.PROVIDER_ADOPT: (
        Way(
            "an account that a provider vouched for under another identity",
            lambda s, c: s.management.adoption.adopt(c, "corp"),
            (*HELPDESK, moved_provider, holds("eva", "reader", TEAM)),
            holds("gil", "reader", TEAM),
        ),
    ),
}

#: What leaves everybody with what they have, or with less; what is only read.
NOT_WIDENING = frozenset(
    {
        Operation.PROVIDER_TEST,  # which changes nothing
        Operation.ME_READ,
        Operation.ATTENTION_READ,
        Operation.CONFIGURATION_READ,
        Operation.HEALTH_READ,
        Operation.READ_ONLY_READ,
        Operation.IMAGE_READ,
        Operation.IMAGE_SCAN,  # which is read once more
        Operation.ADVISORY_READ,
        Operation.ADVISORY_STATUS,
        Operation.ADVISORY_IMPORT,  # which tells, and lets nobody do anything
        Operation.PASSWORD_CHANGE,  # one's own
        Operation.USER_READ,
        Operation.USER_ADD,  # who may do nothing yet
        Operation.USER_REMOVE,
        Operation.ROBOT_READ,
        Operation.ROBOT_ADD,  # which may do nothing yet
        Operation.ROBOT_SECRET_READ,
        Operation.ROBOT_SECRET_REVOKE,
        Operation.TOKEN_READ,
        Operation.TOKEN_REVOKE,
        Operation.GROUP_READ,
        Operation.GROUP_ADD,  # which nobody is in, and nothing is granted to
        Operation.MEMBER_READ,
        Operation.GRANT_READ,
        Operation.NAMESPACE_READ,
        Operation.REPOSITORY_READ,
        Operation.REPOSITORY_REMOVE,
        Operation.SETTING_READ,
        Operation.SESSION_READ,
        Operation.SESSION_END,
        Operation.KEY_READ,
        Operation.KEY_ROTATE,
        Operation.SIGNING_READ,
        Operation.SIGNING_STATUS,
        Operation.SIGNING_CHANGE,  # what a key signs says what happened, and lets nobody in
        Operation.EXPLAIN,
        Operation.WHO,
        Operation.AUDIT_READ,
        Operation.FOLLOWER_READ,
        Operation.FOLLOWER_SKIP,
        Operation.DELIVERY_READ,
        Operation.DELIVERY_SEND,
        Operation.RETENTION_READ,
        Operation.GATE_TRY,
        Operation.PROMOTION_READ,
        Operation.PROMOTION_ASK,  # it takes the right to pull the source and to push the target
        Operation.PROMOTION_DECIDE,  # and carries out what its author may
        Operation.PROMOTION_ROLL_BACK,
        Operation.BUNDLE_READ,
        Operation.BUNDLE_MAKE,
        Operation.BUNDLE_REMOVE,
        Operation.QUARANTINE_READ,
        Operation.QUARANTINE_DECIDE,
        Operation.RETENTION_PLAN,
        Operation.RETENTION_APPLY,
        Operation.IN_USE_READ,
        Operation.IN_USE_SET,
        Operation.JOB_READ,
        Operation.USAGE_READ,
        Operation.SCRUB_READ,
        Operation.SCANNER_READ,
        Operation.SCANNER_CHECK,
        Operation.UPSTREAM_READ,
        Operation.UPSTREAM_PREFETCH,  # what it fetches anybody who may pull there could have pulled
        Operation.JOB_RUN,
        Operation.BACKUP_READ,
        Operation.BACKUP_RUN,  # where it goes is said by the schedule
        Operation.JOB_CANCEL,
        Operation.TAG_READ,
        Operation.TAG_ROLL_BACK,
        Operation.TAG_REMOVE,
        Operation.LOCK_READ,
        Operation.LOCK_ADD,
        Operation.LOCK_LIFT,
        Operation.LABEL_READ,
        Operation.LABEL_CHANGE,
        Operation.REPOSITORY_LABEL_CHANGE,
        Operation.TRASH_READ,
        Operation.TRASH_PURGE,
        Operation.HOUSE_RULES_READ,
    }
)

WAYS = [pytest.param(way, id=f"{operation}: {way.name}") for operation, ways in WIDENING.items() for way in ways]


def test_every_operation_is_declared_to_widen_or_not() -> None:
    assert set(WIDENING) | NOT_WIDENING == set(Operation)
    assert not set(WIDENING) & NOT_WIDENING
    assert all(WIDENING.values())


#: Kinds whose settings have others learn something: each has its ways above. Those that send something elsewhere, and
#: tell of nothing by that.
TELLS, SENDS_NO_NEWS = {"webhook", "scanner", "backup-schedule"}, {"provider", "upstream", "advisory-source"}
#: Kinds whose settings have others do something in other places: each has its ways above.
LENDS = {"virtual", "advisory-source", "pipeline"}


def test_every_kind_that_sends_something_elsewhere_says_what_it_tells() -> None:
    assert {name for name, kind in ALL_KINDS.items() if kind.tells is not silent} == TELLS
    assert {name for name, kind in ALL_KINDS.items() if kind.destination is not None} == TELLS | SENDS_NO_NEWS
    assert {name for name, kind in ALL_KINDS.items() if kind.lends is not lending_nothing} == LENDS


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_gives_what_they_do_not_have(way: Way) -> None:
    made = await scene(KINDS)
    await made.user("gil")
    for step in way.before:
        await step(made)
    gil = await made.with_token("gil", way.limits, NOW + HOUR) if way.limits else await made.caller("gil")
    made.marked()
    with pytest.raises(RegistryError) as refused:
        await way.tried(made, gil)
    assert type(refused.value) is Denied
    assert made.is_as_marked(), "nothing is changed, and nothing is told to have been"
    await way.missing(made)
    await way.tried(made, await made.caller("gil"))


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        (shown("team", PUBLIC), "team", PUBLIC),
        (shown("team", PUBLIC), "team", PRIVATE),
        (shown("team", PUBLIC), "team", INTERNAL),
        (shown("", PUBLIC), "team", PUBLIC),
        (shown("", PUBLIC), "team", None),
        (shown("", PUBLIC), "team/new", INTERNAL),
        (shown("team", None), "team", PRIVATE),
    ],
)
async def test_who_may_not_read_a_place_may_still_keep_it_as_open_as_it_is(
    before: Step, path: str, after: Visibility | None
) -> None:
    made = await scene()
    await made.user("gil")
    for step in (*KEEPER, before):
        await step(made)
    gil = await made.caller("gil")
    said = Namespace(path=path, visibility=after, description="of the team")
    assert (await made.management.namespaces.put(gil, said, None)).description == "of the team"


async def test_who_may_not_read_a_place_may_still_keep_a_webhook_as_it_tells_and_shut_it() -> None:
    made = await scene(KINDS)
    await made.user("gil")
    for step in RULES_ALONE:
        await step(made)
    root, gil = await made.caller("root"), await made.caller("gil")
    await hook("team", "tag.*")(made, root)
    await hook("team", "tag.*", parallel=4)(made, gil)
    for elsewhere in ({"url": "https://other.example/x"}, {"events": ["tag.*", "manifest.*"]}, {"tags": ["v*"]}):
        body = {"url": "https://hooks.example/x", "events": ["tag.*"], **elsewhere}
        with pytest.raises(
            Denied, match="what the webhook deploys tells is more than gil may pass on: list, pull on team/"
        ):
            await made.management.settings.put(gil, "webhook", "deploys", body, None, "team")
    await hook("team", "tag.*", disabled=True)(made, gil)
    await made.management.settings.remove(gil, "webhook", "deploys", None, "team")
