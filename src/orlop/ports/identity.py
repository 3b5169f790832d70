"""Who there is and what they may do, as the catalog keeps it: accounts, groups, secrets, grants, rules, keys.

Each method is one transaction. Every change writes its event to the outbox, and those that may change a decision move
the version of who may do what. What changes nothing, because everything is so already, writes no event and moves
nothing. `by` says who acts and when. Secrets are kept as hashes, never as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.access import Conditions, Effect, Grant, Limit, Place, Visibility, VisibilityAt
from orlop.domain.pages import Page, PageRequest
from orlop.ports.accounts import LOCAL as LOCAL
from orlop.ports.accounts import Account as Account
from orlop.ports.accounts import AccountChange as AccountChange
from orlop.ports.accounts import Accounts as Accounts
from orlop.ports.accounts import ExternalAccounts as ExternalAccounts
from orlop.ports.accounts import PasswordRecord as PasswordRecord
from orlop.ports.accounts import Passwords as Passwords
from orlop.ports.browser import SignOns, Steps
from orlop.ports.catalog import By
from orlop.ports.idempotency import KeptAnswers
from orlop.ports.rates import RateLedger
from orlop.ports.settings import ROLE as ROLE
from orlop.ports.settings import Document as Document
from orlop.ports.settings import Documents as Documents

# --- Secrets ------------------------------------------------------------------------------------------------------


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """Something random that an account proves itself with, without the secret itself."""

    id: int = 0
    account: str
    """The account's name."""
    kind: str
    """`token`: a personal access token; `robot`: a robot's secret; `refresh`: what `docker login` keeps."""
    name: str = ""
    """What its owner calls it."""
    lookup: str
    """The part of it that is no secret and unique: finds the row."""
    hash: str
    """SHA-256 of the whole, in hex: it is random enough to need no slow hash."""
    limits: tuple[Limit, ...] | None = None
    created_at: int = 0
    created_by: str = ""
    expires_at: int = 0
    warned_at: int = 0
    """When an event said that it will expire soon; 0: not yet."""
    used_at: int = 0
    used_from: str = ""


class Secrets(Protocol):
    """Tokens of users, secrets of robots, and what clients keep after a login."""

    async def add(self, secret: Secret, by: By, *, at_most: int, epoch: int = 0) -> Secret:
        """Raises NotFound without such an account; Conflict when the account has `at_most` of its kind already;
        Unauthorized when its epoch is not `epoch` any more (0: whichever it is).

        Moves no version: nothing that was right is wrong now, as long as nobody remembers that `find` found nothing.
        """
        ...

    async def find(self, lookup: str) -> tuple[Secret, Account] | None:
        """In one query, whether or not it expired."""
        ...

    async def of(self, account: str, page: PageRequest) -> Page[Secret]:
        """Those of an account, by id; keys of the page are ids as decimal text."""
        ...

    async def revoke(self, account: str, id: int, by: By) -> None:  # noqa: A002
        """Remove one. Raises NotFound."""

    async def expiring(self, before: int, now: int, limit: int) -> tuple[Secret, ...]:
        """Those that expire after `now`, before `before`, and of which nobody was warned: marks them, with an event
        for each. What `docker login` keeps expires without a warning: a client gets another by itself."""
        ...

    async def robots_ending(self, before: int, now: int, limit: int) -> tuple[tuple[Secret, str], ...]:
        """Secrets of robots that expire after `now` and before `before`, the earliest first, each with the namespace of
        its robot."""
        ...


class Uses(Protocol):
    """When secrets and accounts were used last; buffered by the caller, so that no request waits for it."""

    async def record(
        self,
        secrets: Mapping[int, tuple[int, str]],
        accounts: Mapping[int, tuple[int, str]],
        sign_ins: Mapping[int, str] | None = None,
    ) -> None:
        """Id → (when, from which address); `sign_ins`: of accounts, id → the address of a sign-in that was more than
        showing a secret or a token. Writes no event, and changes no answer."""


# --- Groups, grants, namespaces, documents --------------------------------------------------------------------------


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A set of accounts that grants can name."""

    id: int = 0
    name: str
    source: str = LOCAL
    description: str = ""
    members: int = 0
    created_at: int = 0
    created_by: str = ""
    version: int = 1


class Groups(Protocol):
    """Groups. Those of a sign-on provider are its own to fill."""

    async def add(self, group: Group, by: By) -> Group:
        """Raises Conflict."""
        ...

    async def get(self, name: str) -> Group | None:
        """By name."""
        ...

    async def page(self, page: PageRequest) -> Page[Group]:
        """By name."""
        ...

    async def remove(self, name: str, by: By, *, expected: int | None = None) -> None:
        """With its memberships and grants. Raises NotFound, Stale."""


class Members(Protocol):
    """Who is in which group."""

    async def of_group(self, group: str, page: PageRequest) -> Page[str]:
        """Names of accounts. Raises NotFound."""
        ...

    async def of_account(self, account: str) -> tuple[str, ...]:
        """Names of groups, in order. Raises NotFound."""
        ...

    async def set(self, group: str, *, add: Sequence[str] = (), remove: Sequence[str] = (), by: By) -> None:
        """Raises NotFound when the group or an account to add does not exist, Conflict for a group of a provider."""


class NewGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant to make; see domain.access.Grant."""

    effect: Effect = Effect.ALLOW
    principal: str
    """An account's name, or `group:` and a group's."""
    role: str
    place: Place
    tags: str = ""
    conditions: Conditions = Conditions()
    expires_at: int = 0


class GrantRecord(msgspec.Struct, frozen=True):
    """A grant as it is kept: its actions are those of its role at the time of asking."""

    grant: Grant
    created_at: int
    created_by: str


class Grants(Protocol):
    """What subjects may do. A grant never changes; it is made and removed."""

    async def add(self, grant: NewGrant, by: By) -> GrantRecord:
        """Raises NotFound for an unknown principal or role, Conflict for one that is there word for word."""
        ...

    async def get(self, id: int) -> GrantRecord | None:  # noqa: A002
        """By number."""
        ...

    async def page(
        self, page: PageRequest, *, principal: str | None = None, place: Place | None = None
    ) -> Page[GrantRecord]:
        """By number (keys are decimal text); of one principal, or of exactly one place."""
        ...

    async def remove(self, id: int, by: By) -> None:  # noqa: A002
        """Raises NotFound."""

    async def covering(self, repository: str, limit: int) -> tuple[GrantRecord, ...]:
        """Those whose place may cover a repository: of the registry, the namespaces above, and all patterns."""
        ...


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the tree. `visibility` None: what the nearest above says."""

    path: str
    visibility: Visibility | None = None
    description: str = ""
    created_at: int = 0
    created_by: str = ""
    version: int = 1


class DeletedNamespace(msgspec.Struct, frozen=True):
    """What went with a namespace, to be made anew."""

    visibility: Visibility | None
    description: str
    documents: tuple[Document, ...]
    grants: tuple[NewGrant, ...]


class Namespaces(Protocol):
    """The tree above repositories; the root is ``, and always there."""

    async def get(self, path: str) -> Namespace | None:
        """One node."""
        ...

    async def page(self, below: str, page: PageRequest) -> Page[Namespace]:
        """Everything below a node, at any depth, by path."""
        ...

    async def put(self, namespace: Namespace, by: By, *, expected: int | None = None) -> Namespace:
        """Make it, with those above it, or change it. `expected` 0: it must be new (Conflict); else as Stale says."""
        ...

    async def remove(self, path: str, by: By, keep: int = 0) -> None:
        """With the grants and settings on it, which lie in the trash for `keep` microseconds. Raises NotFound, or
        Conflict while repositories or namespaces lie below it, or robots belong to it."""


# --- What decisions are made from -----------------------------------------------------------------------------------


class AccountFacts(msgspec.Struct, frozen=True):
    """An account as decisions need it, with the credential that it came with."""

    account: Account
    secret: Secret | None
    """None: it came with none, or the one that it came with was revoked."""
    grants: tuple[Grant, ...]
    """Of the account and of its groups, with the actions of their roles."""
    groups: tuple[str, ...]
    version: int


class PlaceFacts(msgspec.Struct, frozen=True):
    """What the catalog knows of the place of a repository."""

    visible: VisibilityAt
    exists: bool
    """Whether the repository is there. The first push to one moves no version, so False is not to be remembered."""
    deleted_at_version: int
    """The version at which a repository of this name was last deleted; 0: never. Older tokens are not about it."""
    version: int


class AccessFacts(Protocol):
    """What decisions are made from; remembered by workers while `Changes` of access stand still."""

    async def of(self, account: int, secret: int = 0) -> AccountFacts | None:
        """Everything about an account, by its number; None when it is gone."""
        ...

    async def place(self, repository: str) -> PlaceFacts:
        """Everything about the place of a repository, whether or not it exists, in one query."""
        ...

    async def version(self) -> int:
        """The version of who may do what: grows with every change of it."""
        ...

    async def open_namespaces(self, after: str, limit: int) -> tuple[tuple[str, Visibility], ...]:
        """Namespaces that say something of visibility, in the order of the repositories below them: by path and `/`,
        from after the key `after` (a path with its `/`) on. The root comes first; its path is empty, its key `/`."""
        ...


# --- Keys, failures, sessions ---------------------------------------------------------------------------------------


class SigningKey(msgspec.Struct, frozen=True):
    """A key that signs tokens: from `active_at` on, and verifies until `expires_at`."""

    id: str
    algorithm: str
    private: bytes
    """PKCS #8, PEM."""
    created_at: int
    active_at: int
    expires_at: int


class SigningKeys(Protocol):
    """The keys of all replicas."""

    async def all(self) -> tuple[SigningKey, ...]:
        """Those that are kept, oldest first."""
        ...

    async def add(self, key: SigningKey, by: By, *, unless_newer_than: int) -> tuple[SigningKey, ...]:
        """Add one unless another replica added one that is active later than `unless_newer_than`; all of them."""
        ...

    async def forget(self, expired_before: int, by: By) -> None:
        """Remove those that verify nothing any more."""


class Attempts(msgspec.Struct, frozen=True):
    """Failed attempts under one key, such as an account or an address."""

    failures: int
    last_at: int


class FailedAttempts(Protocol):
    """How often somebody failed to prove who they are, shared by all workers."""

    async def get(self, keys: Sequence[str]) -> dict[str, Attempts]:
        """Of each key that has any."""
        ...

    async def failed(self, keys: Sequence[str], at: int, *, forget_before: int) -> dict[str, Attempts]:
        """Count one more for each key, anew where the last was before `forget_before`."""
        ...

    async def claim(
        self, keys: Sequence[str], at: int, free: Callable[[Mapping[str, Attempts]], bool], *, forget_before: int
    ) -> dict[str, Attempts] | None:
        """The same in one step with a look: count only if `free` says so of what is counted by then, while nobody else
        counts for these keys. What was counted before of each key that had any; None when it said no."""
        ...

    async def take_back(self, key: str, at: int, before: Attempts | None) -> None:
        """Count one less for a key, that was counted `at` after `before`."""

    async def clear(self, keys: Sequence[str]) -> None:
        """Forget them."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in. `id` is a hash of what its cookie holds."""

    id: str
    account: str
    provider: str = ""
    """The sign-on provider, or empty for a password."""
    provider_session: str = ""
    """What the provider calls it, for a logout that begins there."""
    created_at: int
    expires_at: int
    address: str = ""
    agent: str = ""


class Sessions(Protocol):
    """Browsers that are signed in."""

    async def add(self, session: Session, by: By, *, epoch: int = 0) -> None:
        """Raises NotFound without such an account; Unauthorized when its epoch is not `epoch` any more (0: whichever
        it is)."""

    async def get(self, id: str) -> tuple[Session, Account] | None:  # noqa: A002
        """In one query, whether or not it expired."""
        ...

    async def extend(self, id: str, expires_at: int) -> None:  # noqa: A002
        """Let one go on until then, if that is later than it would; no event, and fine when it is gone."""

    async def of(self, account: str) -> tuple[Session, ...]:
        """Those of an account, newest first."""
        ...

    async def end(
        self,
        *,
        id: str = "",  # noqa: A002
        account: str = "",
        provider: str = "",
        provider_session: str = "",
        by: By,
    ) -> int:
        """End those that match everything that is given, of which there must be something; how many."""
        ...

    async def end_logins(self, account: str, by: By) -> int:
        """End all that an account is signed in with by password: its sessions, what clients keep after a login, and
        with its epoch every token that was fetched. How many sessions; none where there is no such account."""
        ...

    async def forget(self, expired_before: int) -> None:
        """Remove those that are over."""


class Identity(msgspec.Struct, frozen=True):
    """Every role of who may do what, on one catalog."""

    accounts: Accounts
    external: ExternalAccounts
    passwords: Passwords
    secrets: Secrets
    uses: Uses
    groups: Groups
    members: Members
    grants: Grants
    namespaces: Namespaces
    documents: Documents
    facts: AccessFacts
    keys: SigningKeys
    attempts: FailedAttempts
    sessions: Sessions
    steps: Steps
    sign_ons: SignOns
    answers: KeptAnswers
    rates: RateLedger
