"""Changes of who may do what, and refusals of them, in words: the same on every catalog."""

from collections.abc import Collection

import msgspec

from orlop.domain.access import SYSTEM, Grant, SubjectKind
from orlop.domain.counts import counted
from orlop.domain.errors import Conflict, NotFound, Stale, Unauthorized
from orlop.ports.catalog import By
from orlop.ports.identity import LOCAL, Account, AccountChange, Namespace, Secret

#: Where those are that there are.
_LISTED = {
    "account": "orlop user ls and orlop robot ls list those there are",
    "group": "orlop group ls lists those there are; a provider's appear when somebody in them signs in first",
}


def unknown(what: str, name: str | int) -> NotFound:
    """There is none of that name."""
    hint = f"; {_LISTED[what]}" if what in _LISTED else ""
    return NotFound(f"there is no {what} {name}{hint}", {"name": name})


def taken(what: str, name: str) -> Conflict:
    """There is one of that name."""
    return Conflict(f"there is {'an' if what[0] in 'aeiou' else 'a'} {what} {name} already", {"name": name})


def known_already(account: Account) -> Conflict:
    """A provider has an account here for the same person."""
    return Conflict(f"{account.source} has an account for {account.external} here already")


def granted_already(grant: Grant) -> Conflict:
    """There is a grant that says the same."""
    return Conflict(f"{grant} already", {"id": grant.id})


def in_the_way(path: str, what: str) -> Conflict:
    """A namespace cannot go."""
    return Conflict(f"the namespace {path or 'at the root'} cannot go: {what}", {"path": path})


def is_named(grant: int, role: str) -> Conflict:
    """A grant names a role that is to go."""
    return Conflict(f"grant {grant} names the role {role}; remove that first", {"grant": grant})


def refuse_stale(what: str, version: int, expected: int | None) -> None:
    """Raises Stale when the version that there is is not the one that was expected."""
    if expected is not None and version != expected:
        raise Stale(f"the {what} was changed meanwhile; look at it again", {"version": version})


def refuse_over(account: Account, epoch: int) -> None:
    """Raises Unauthorized when what an account was signed in with in that epoch is over; 0: it does not say."""
    if epoch and epoch != account.epoch:
        raise Unauthorized(f"what {account.name} was signed in with is over; sign in anew")


def must_change(account: Account) -> Unauthorized:
    """An account has to choose another password before it does anything else."""
    return Unauthorized(
        f"{account.name} has to choose another password first: in a browser at /login of this registry,"
        " or with orlop login"
    )


def account_words(account: Account) -> str:
    """What a new account is: `user`, `user of ldap`, `robot of team/backend`."""
    place = account.namespace if account.kind is SubjectKind.ROBOT else account.source.removeprefix(LOCAL)
    return f"{account.kind.value} of {place}" if place else account.kind.value


def changed(account: Account, change: AccountChange) -> tuple[Account, str]:
    """An account after a change, and what it changed; nothing (the same, ``) where it says what is so already."""
    wanted = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
    news = {name: value for name, value in wanted.items() if getattr(account, name) != value}
    if not news:
        return account, ""
    words = [name.removesuffix("_at") for name in news if name not in ("disabled", "authority")]
    if "authority" in news:
        words.append(f"vouched for by {news['authority']}")
    if "disabled" in news:
        words.append(disabled_words(news["disabled"]))
    return msgspec.structs.replace(account, **news, version=account.version + 1), ", ".join(words)


def disabled_words(why: str) -> str:
    """What became of an account that may not sign in any more, or may again."""
    return f"disabled: {why}" if why else "enabled"


def password_words(password: str | None, *, must_change: bool) -> str:
    """What became of a password."""
    if password is None:
        return "removed"
    return "set, to be changed at the next sign-in" if must_change else "set"


def gone_from(source: str) -> str:
    """Why an account is disabled that its provider knows no more."""
    return f"{source} does not know it any more"


def secret_words(secret: Secret) -> str:
    """Which secret, without a part of it: `token 12 (laptop)`."""
    return f"{secret.kind} {secret.id} ({secret.name})" if secret.name else f"{secret.kind} {secret.id}"


def too_many(secret: Secret, at_most: int) -> Conflict:
    """An account has as many of a kind as it may."""
    return Conflict(
        f"{secret.account} has {at_most} secrets of the kind {secret.kind} already; revoke one first",
        {"kind": secret.kind, "at_most": at_most},
    )


def warning(now: int) -> By:
    """Who says that something will expire: nobody asked."""
    return By(SYSTEM.name, now)


def members_words(added: Collection[str], removed: Collection[str]) -> str:
    """How the members of a group changed."""
    parts = [f"{verb} {', '.join(sorted(names))}" for verb, names in (("added", added), ("removed", removed)) if names]
    return "; ".join(parts)


def refuse_foreign(group: str, source: str) -> None:
    """Raises Conflict for a group that a sign-on provider fills."""
    if source != LOCAL:
        raise Conflict(f"{group} is a group of {source}; change its members there", {"source": source})


def namespace_words(before: Namespace | None, after: Namespace) -> str:
    """What a namespace becomes; `` where it is so already."""
    words = []
    if before is None:
        words.append("made")
    if (before.visibility if before else None) is not after.visibility:
        words.append(f"visibility {after.visibility.value}" if after.visibility else "visibility from above")
    if (before.description if before else "") != after.description:
        words.append("description")
    return ", ".join(words)


def repository_words(tags: int, manifests: int, blobs: int) -> str:
    """What went with a repository."""
    return f"with {counted(tags, 'tag')}, {counted(manifests, 'manifest')} and {counted(blobs, 'blob')}"


def session_words(provider: str) -> str:
    """How a browser signed in."""
    return f"by {provider}" if provider else "by password"
