"""What the API takes and gives, as JSON; times are RFC 3339 in UTC, and null is never."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orlop.domain.access import Action, Conditions, Effect, Grant, Limit, Place, Visibility
from orlop.domain.errors import RequestInvalid
from orlop.ports.catalog import Holding, UntaggedManifest
from orlop.ports.identity import Account, AccountChange, GrantRecord, Group, Namespace, Secret, Session, SigningKey
from orlop.services.management.secrets import Issued
from orlop.services.settings.kept import Shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Time = datetime | None
Password = Annotated[str, Meta(min_length=1, max_length=1024)]
Text = Annotated[str, Meta(max_length=512)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]


def time(at: int) -> Time:
    """A time for JSON; None for never."""
    return _EPOCH + at * _MICROSECOND if at else None


def moment(value: Time) -> int:
    """A time from JSON in microseconds since 1970; 0 for never. Raises RequestInvalid for one without a zone."""
    if value is None:
        return 0
    if value.tzinfo is None:
        raise RequestInvalid("a time needs its zone: write 2030-01-31T12:00:00Z")
    at = (value - _EPOCH) // _MICROSECOND
    if at <= 0:
        raise RequestInvalid("a time lies after 1970")
    return at


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken."""


class LimitValue(_Strict, frozen=True):
    """What a credential may be used for: these actions in this place."""

    actions: tuple[Action, ...]
    place: Place


Limits = Annotated[tuple[LimitValue, ...], Meta(min_length=1, max_length=32)] | None


def limits_of(value: Limits) -> tuple[Limit, ...] | None:
    """Limits from JSON."""
    return None if value is None else tuple(Limit(frozenset(limit.actions), limit.place) for limit in value)


def limit_values(limits: tuple[Limit, ...] | None) -> tuple[LimitValue, ...] | None:
    """Limits for JSON, always in the same order."""
    return None if limits is None else tuple(LimitValue(ordered(limit.actions), limit.place) for limit in limits)


def ordered(actions: frozenset[Action]) -> tuple[Action, ...]:
    """Actions in the order of their list."""
    return tuple(action for action in Action if action in actions)


class AccountValue(msgspec.Struct, frozen=True):
    """A user or a robot. `disabled` says why it may not sign in; null: it may. `authority` is the identity of the
    provider `source` that vouches for it: nobody signs in as it through another."""

    name: str
    kind: str
    display: str
    email: str
    source: str
    authority: str | None
    namespace: str | None
    disabled: str | None
    has_password: bool
    must_change: bool
    second_factors: tuple[str, ...]
    expires_at: Time
    created_at: Time
    created_by: str
    used_at: Time
    used_from: str
    version: int

    @classmethod
    def of(cls, account: Account) -> "AccountValue":
        return cls(
            name=account.name,
            kind=account.kind.value,
            display=account.display,
            email=account.email,
            source=account.source,
            authority=account.authority or None,
            namespace=account.namespace or None,
            disabled=account.disabled or None,
            has_password=account.has_password,
            must_change=account.must_change,
            second_factors=account.second_factors,
            expires_at=time(account.expires_at),
            created_at=time(account.created_at),
            created_by=account.created_by,
            used_at=time(account.used_at),
            used_from=account.used_from,
            version=account.version,
        )


class NewUser(_Strict, frozen=True):
    """A user to make. Without a password nobody can sign in as them with one until it is set."""

    name: Name
    display: Text = ""
    email: Text = ""
    password: Password | None = None
    disabled: Text | None = None
    expires_at: Time = None


class NewPassword(_Strict, frozen=True):
    """Another password for somebody else, who by default has to choose one of their own at the next sign-in."""

    password: Password
    must_change: bool = True


class PasswordChange(_Strict, frozen=True):
    """One's own password; the request itself is signed in with the one of now."""

    password: Password


class NewRobot(_Strict, frozen=True):
    """A robot to make; its name begins with `robot+`. `namespace` null: it is the registry's."""

    name: Name
    namespace: Text | None = None
    display: Text = ""
    disabled: Text | None = None
    expires_at: Time = None


class RobotChange(_Strict, frozen=True):
    """What to change; what is not there stays as it is."""

    display: Text | UnsetType = UNSET
    disabled: Text | UnsetType | None = UNSET
    expires_at: Time | UnsetType = UNSET

    def change(self) -> AccountChange:
        """What it asks for."""
        return AccountChange(
            display=None if self.display is UNSET else self.display,
            disabled=None if self.disabled is UNSET else self.disabled or "",
            expires_at=None if self.expires_at is UNSET else moment(self.expires_at),
        )


class UserChange(RobotChange, frozen=True):
    """What to change; what is not there stays as it is."""

    email: Text | UnsetType = UNSET

    def change(self) -> AccountChange:
        """What it asks for."""
        return msgspec.structs.replace(super().change(), email=None if self.email is UNSET else self.email)


class NewSecret(_Strict, frozen=True):
    """A token or a robot's secret to make. `limits` null: good for all that its owner may do."""

    name: Text = ""
    limits: Limits = None
    expires_at: Time = None


class Rotation(_Strict, frozen=True):
    """When the new secret is to expire; not there: it lives as long as the one before was made for."""

    expires_at: Time | UnsetType = UNSET


class SecretValue(msgspec.Struct, frozen=True):
    """A token or a robot's secret, without what is secret of it."""

    id: int
    name: str
    lookup: str
    limits: tuple[LimitValue, ...] | None
    expires_at: Time
    created_at: Time
    created_by: str
    used_at: Time
    used_from: str

    @classmethod
    def of(cls, secret: Secret) -> "SecretValue":
        return cls(
            secret.id,
            secret.name,
            secret.lookup,
            limit_values(secret.limits),
            time(secret.expires_at),
            time(secret.created_at),
            secret.created_by,
            time(secret.used_at),
            secret.used_from,
        )


class IssuedValue(msgspec.Struct, frozen=True):
    """A new secret, told once."""

    secret: str
    kept: SecretValue

    @classmethod
    def of(cls, issued: Issued) -> "IssuedValue":
        return cls(issued.text, SecretValue.of(issued.secret))


class GroupValue(msgspec.Struct, frozen=True):
    """A group."""

    name: str
    source: str
    description: str
    members: int
    created_at: Time
    created_by: str
    version: int

    @classmethod
    def of(cls, group: Group) -> "GroupValue":
        return cls(
            group.name,
            group.source,
            group.description,
            group.members,
            time(group.created_at),
            group.created_by,
            group.version,
        )


class NewGroup(_Strict, frozen=True):
    """A group to make."""

    name: Name
    description: Text = ""


class GrantValue(msgspec.Struct, frozen=True):
    """A grant, with the actions that its role has now."""

    id: int
    effect: Effect
    principal: str
    role: str
    actions: tuple[Action, ...]
    place: Place
    tags: str
    conditions: Conditions
    expires_at: Time
    created_at: Time = None
    created_by: str = ""

    @classmethod
    def of(cls, record: GrantRecord) -> "GrantValue":
        return cls.of_grant(record.grant, time(record.created_at), record.created_by)

    @classmethod
    def of_grant(cls, grant: Grant, created_at: Time = None, created_by: str = "") -> "GrantValue":
        return cls(
            grant.id,
            grant.effect,
            grant.principal,
            grant.role,
            ordered(grant.actions),
            grant.place,
            grant.tags,
            grant.conditions,
            time(grant.expires_at),
            created_at,
            created_by,
        )


class NewGrantValue(_Strict, frozen=True):
    """A grant to make. `principal` is an account's name, or `group:` and a group's."""

    principal: Name
    role: Name
    place: Place
    effect: Effect = Effect.ALLOW
    tags: Text = ""
    conditions: Conditions = Conditions()
    expires_at: Time = None


class NamespaceValue(msgspec.Struct, frozen=True):
    """A namespace; the root's path is empty. `visibility` null: what the nearest above says."""

    path: str
    visibility: Visibility | None
    description: str
    created_at: Time
    created_by: str
    version: int

    @classmethod
    def of(cls, namespace: Namespace) -> "NamespaceValue":
        return cls(
            namespace.path,
            namespace.visibility,
            namespace.description,
            time(namespace.created_at),
            namespace.created_by,
            namespace.version,
        )


class NamespaceBody(_Strict, frozen=True):
    """What a namespace is to be."""

    visibility: Visibility | None = None
    description: Text = ""


class RepositoryValue(msgspec.Struct, frozen=True):
    """A repository."""

    name: str


class HoldingValue(msgspec.Struct, frozen=True):
    """How much a repository holds. `size`: bytes of manifests and blobs; blobs that other repositories hold, too, are
    kept once, and count in each. `trash_size`: the same of what was deleted there and can be restored."""

    name: str
    tags: int
    manifests: int
    size: int
    pushed_at: Time
    pulled_at: Time
    trash_size: int

    @classmethod
    def of(cls, name: str, holding: Holding) -> "HoldingValue":
        return cls(
            name,
            holding.tags,
            holding.manifests,
            holding.size,
            time(holding.pushed_at or 0),
            time(holding.pulled_at or 0),
            holding.trash,
        )


class UntaggedValue(msgspec.Struct, frozen=True):
    """A manifest that no tag leads to. `size`: its own bytes, and those of what it names directly."""

    digest: str
    media_type: str
    artifact_type: str
    size: int
    pushed_at: Time

    @classmethod
    def of(cls, manifest: UntaggedManifest) -> "UntaggedValue":
        pushed = time(manifest.pushed_at)
        return cls(str(manifest.digest), manifest.media_type, manifest.artifact_type, manifest.size, pushed)


class SettingValue(msgspec.Struct, frozen=True):
    """A setting. A secret in it is shown as `(set)`, which given back leaves it as it is."""

    name: str
    path: str
    """The namespace or repository that it is about; empty: the registry."""
    body: dict[str, Any]
    version: int
    changed_at: Time
    changed_by: str

    @classmethod
    def of(cls, shown: Shown) -> "SettingValue":
        return cls(shown.name, shown.path, shown.body, shown.version, time(shown.changed_at), shown.changed_by)


def flat_setting(shown: Shown) -> dict[str, Any]:
    """A setting of a kind whose fields stand beside its name. Those that are built in never change; their version
    is 0."""
    return {"name": shown.name, **shown.body, "builtin": not shown.version, "version": shown.version}


class Adopting(_Strict, frozen=True):
    """Whom to carry over to the provider as it is now; nobody named: everybody whom it vouched for before."""

    accounts: Annotated[tuple[Name, ...], Meta(max_length=1000)] = ()


class AdoptedValue(msgspec.Struct, frozen=True):
    """Who was carried over."""

    accounts: tuple[str, ...]


class ProviderTestedValue(msgspec.Struct, frozen=True):
    """What came of trying a sign-on provider out: what works, as sentences, and what does not."""

    works: bool
    found: tuple[str, ...]
    failure: str
    """Empty where it works."""


class SessionValue(msgspec.Struct, frozen=True):
    """A browser that is signed in."""

    id: str
    provider: str
    address: str
    agent: str
    created_at: Time
    expires_at: Time

    @classmethod
    def of(cls, session: Session) -> "SessionValue":
        return cls(
            session.id,
            session.provider,
            session.address,
            session.agent,
            time(session.created_at),
            time(session.expires_at),
        )


class EndedValue(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


class KeyValue(msgspec.Struct, frozen=True):
    """A key that signs tokens from `active_at` on and verifies until `expires_at`; its private part is never shown."""

    id: str
    algorithm: str
    created_at: Time
    active_at: Time
    expires_at: Time

    @classmethod
    def of(cls, key: SigningKey) -> "KeyValue":
        return cls(key.id, key.algorithm, time(key.created_at), time(key.active_at), time(key.expires_at))


class MeValue(msgspec.Struct, frozen=True):
    """Who is signed in, with what, and the groups that they are in."""

    account: AccountValue
    credential: str
    limits: tuple[LimitValue, ...] | None
    groups: tuple[str, ...]
