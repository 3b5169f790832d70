"""What is wrong between rows of who may do what, for verification."""

from collections.abc import Iterator

from orlop.adapters.memory.identity_rows import IdentityRows
from orlop.domain.access import ROLES
from orlop.ports.catalog import Finding
from orlop.ports.identity import GROUP_PREFIX, ROLE


def wrong(rows: IdentityRows) -> Iterator[Finding]:
    """Grants, memberships, secrets and sessions of nobody, grants of no role, and versions that went back."""
    principals = rows.accounts.keys() | {f"{GROUP_PREFIX}{name}" for name in rows.groups}
    for number, record in rows.grants.items():
        grant = record.grant
        if grant.principal not in principals:
            yield Finding(9, f"grant {number}", "the grant is for nobody that is there")
        if grant.role not in ROLES and (ROLE, grant.role) not in rows.documents:
            yield Finding(9, f"grant {number}", f"the grant names the role {grant.role}, which is not there")
    for row in rows.groups.values():
        for name in row.members - rows.accounts.keys():
            yield Finding(9, name, "the account, or a group that it is in, is not there")
    for number, secret in rows.secrets.items():
        if secret.account not in rows.accounts:
            yield Finding(9, f"secret {number}", "the secret belongs to no account")
    for session in rows.sessions.values():
        if session.account not in rows.accounts:
            yield Finding(9, "a session", "the session belongs to no account")
    for repository, version in rows.deletions.items():
        if version > rows.version:
            what = "the version of who may do what is older than the last deletion of the repository"
            yield Finding(9, repository, what)
