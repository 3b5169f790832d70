"""A directory (LDAP, Active Directory) as its administrators describe it: where people and groups are, and who they are
here. How it is asked is not here."""

import re
from typing import NamedTuple

import msgspec

from orlop.domain.identity.secret_references import parse_secret

#: Stands in the filter for the name that somebody signs in with.
NAME = "{name}"

#: The rule for every group that no other rule names; its value has an asterisk where the group's own name goes.
ANY = "*"

_SERVER = re.compile(r"(ldaps?)://(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?/?", re.ASCII)
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9;-]{0,63}", re.ASCII)
_GROUP = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?", re.ASCII)


class ServerAddress(NamedTuple):
    """Where a server is, and whether a connection to it is secure from its first byte."""

    secure: bool
    host: str
    port: int


def server_address(text: str) -> ServerAddress | None:
    """`ldaps://HOST[:636]` or `ldap://HOST[:389]`, with an IPv6 address in brackets; None for anything else."""
    found = _SERVER.fullmatch(text)
    if found is None:
        return None
    secure = found[1] == "ldaps"
    port = int(found[4] or (636 if secure else 389))
    return ServerAddress(secure, found[2] or found[3], port) if 0 < port < 65_536 else None


class LdapProvider(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ldap", forbid_unknown_fields=True):
    """A directory. The defaults are OpenLDAP's habits; docs/ldap.md has Active Directory's."""

    servers: tuple[str, ...]
    """`ldaps://host[:636]` or `ldap://host[:389]`; one after the other is asked until one answers."""
    start_tls: bool = True
    """Secure an `ldap://` connection by StartTLS before anything is said on it. Without, passwords travel in clear,
    which only a server on loopback may ask for."""
    ca: str = ""
    """A file with the certificates of those who may vouch for the servers; empty: the system's."""
    bind_dn: str = ""
    """Who searches; empty: anybody may."""
    bind_password: str = ""
    """Their password, or `env:NAME` or `file:PATH` where it is."""
    user_base: str
    user_filter: str = "(&(objectClass=inetOrgPerson)(uid={name}))"
    """Finds who signs in; whoever it does not find any more loses their rights."""
    user_id: str = "entryUUID"
    """The attribute that never changes."""
    user_name: str = "uid"
    """The attribute whose value they are called here, in lower case."""
    user_display: str = "cn"
    user_email: str = "mail"
    group_base: str = ""
    """Empty: groups are not looked at."""
    group_filter: str = "(objectClass=groupOfNames)"
    group_name: str = "cn"
    group_member: str = "member"
    """The attribute with the members: their DNs, or for `memberUid` their names."""
    groups: dict[str, str] = {}
    """A group there, by name or DN → the group here. `*` is every other: `{"*": "corp-*"}`. Groups that no rule names
    are nothing here."""
    timeout: int = 10
    """Seconds that a server may take to answer."""

    def __post_init__(self) -> None:
        for check in (_check_servers, _check_searches, _check_groups):
            check(self)

    @property
    def members_are_names(self) -> bool:
        """Whether groups list names of people and not DNs, so that there are no groups in groups."""
        return self.group_member.lower() == "memberuid"

    def group_here(self, name: str, dn: str) -> str | None:
        """What a group there is here; None for nothing. DNs are compared without regard to case."""
        for group, here in self.groups.items():
            if group.lower() in (name.lower(), dn.lower()) and group != ANY:
                return here
        pattern = self.groups.get(ANY)
        here = pattern.replace(ANY, name.lower()) if pattern is not None else ""
        return here if _GROUP.fullmatch(here) else None


def _check_servers(directory: LdapProvider) -> None:
    if not directory.servers:
        raise ValueError("servers names no server; write for example ldaps://ldap.example")
    for server in directory.servers:
        address = server_address(server)
        if address is None:
            raise ValueError(f"{server} is no address of a server: write ldaps://HOST[:PORT] or ldap://HOST[:PORT]")
        if not (address.secure or directory.start_tls) and address.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"without start_tls passwords would reach {server} in clear")
    if directory.bind_dn and not directory.bind_password:
        raise ValueError("bind_dn needs bind_password: a bind without a password says nothing about who it is")
    if directory.bind_password:
        parse_secret(directory.bind_password)
    if not 1 <= directory.timeout <= 120:
        raise ValueError("timeout is 1 to 120 seconds")


def _check_searches(directory: LdapProvider) -> None:
    if not directory.user_base:
        raise ValueError("user_base is empty: where do people begin?")
    if directory.user_filter.count(NAME) != 1:
        raise ValueError(f"user_filter has {NAME} exactly once, where the name of who signs in goes")
    for name, text in (("user_filter", directory.user_filter), ("group_filter", directory.group_filter)):
        if not _is_balanced(text):
            raise ValueError(f"{name} is no filter: it stands in parentheses, and each that opens closes")
    for name in ("user_id", "user_name", "user_display", "user_email", "group_name", "group_member"):
        if not _ATTRIBUTE.fullmatch(getattr(directory, name)):
            raise ValueError(f"{name} is not the name of an attribute")


def _check_groups(directory: LdapProvider) -> None:
    if directory.groups and not directory.group_base:
        raise ValueError("groups needs group_base: where do groups begin?")
    for there, here in directory.groups.items():
        name = here.replace(ANY, "a", 1) if there == ANY else here
        if not _GROUP.fullmatch(name) or (there == ANY and here.count(ANY) != 1):
            wanted = "one * for the name of each" if there == ANY else "lower-case letters, digits and . _ -"
            raise ValueError(f"groups turns {there} into {here}, which is not the name of a group: {wanted}")


def _is_balanced(text: str) -> bool:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0 or (depth == 0 and place != len(text) - 1):
            return False
    return depth == 0 and text.startswith("(")
