"""What can be done. Every route names one of these, and every role is a set of them."""

from enum import StrEnum


class Action(StrEnum):
    """One thing that a subject does to a repository, to a namespace, or to the registry as a whole."""

    PING = "ping"
    """Be known to the registry at all: what `GET /v2/` asks."""
    LIST = "list"
    """See that a repository is there, and its tags."""
    PULL = "pull"
    """Read manifests, blobs and referrers."""
    PULL_HELD = "pull-held"
    """Read manifests that a gate holds back, as whoever scans, signs or looks into them does."""
    CREATE = "create"
    """Make a repository, which a first push does. Not the right to change one that is there."""
    PUSH_NEW = "push-new"
    """Add content: blobs, and manifests that the repository does not hold yet."""
    TAG = "tag"
    """Set a tag that is not there yet."""
    OVERWRITE = "overwrite"
    """Point a tag that is there at another manifest."""
    UNTAG = "untag"
    """Remove a tag, alone or with what it points at."""
    DELETE = "delete"
    """Delete a manifest, a blob, or a whole repository; the tags that go with it need `untag`."""
    SCAN_READ = "scan-read"
    """Ask which images hold a package or are hit by a vulnerability, and how many findings each has."""
    POLICY_EDIT = "policy-edit"
    """Change rules of a namespace or repository: retention, tag rules, gates."""
    ADMIN = "admin"
    """Change who may do what in a namespace or repository: grants, visibility, robots, namespaces below."""
    AUDIT_READ = "audit-read"
    """Read the audit log, and what everybody may do."""
    SYSTEM = "system"
    """Change the registry as a whole: users, groups, roles, trusts, sign-on, keys."""


#: What can be asked only of the registry as a whole.
REGISTRY_WIDE = frozenset({Action.PING, Action.AUDIT_READ, Action.SYSTEM})

#: What may be done to one repository: whoever may do any of it has to know that it is there.
OF_REPOSITORIES = tuple(action for action in Action if action not in REGISTRY_WIDE)

#: What concerns a tag, so that a pattern of tags in a grant narrows it.
OF_TAGS = frozenset({Action.TAG, Action.OVERWRITE, Action.UNTAG})

#: By action: whoever is denied one of these is denied it, too. To remove a tag and set it again is to move it.
DENIED_WITH: dict[Action, frozenset[Action]] = {Action.UNTAG: frozenset({Action.OVERWRITE})}

#: What only looks. Where somebody may not know that a repository is there, these fail as if it were not.
READS = frozenset({Action.LIST, Action.PULL, Action.SCAN_READ})

#: What changes the content of a repository.
WRITES = frozenset({Action.CREATE, Action.PUSH_NEW, Action.TAG, Action.OVERWRITE, Action.UNTAG, Action.DELETE})


def all_denied(actions: frozenset[Action]) -> frozenset[Action]:
    """What a denial of these takes away."""
    return actions | {action for action, others in DENIED_WITH.items() if not others.isdisjoint(actions)}
