"""Builds what asks directories, on an open catalog."""

import warnings
from functools import partial
from typing import TYPE_CHECKING

from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.domain.identity.directories import LdapProvider
from orlop.domain.identity.secret_references import SecretPlaces, parse_secret
from orlop.domain.job_kinds import DIRECTORIES
from orlop.ports.events import Changes
from orlop.ports.identity import Identity
from orlop.services.identity.directories import Directories
from orlop.services.jobs.work import Work, plain

if TYPE_CHECKING:
    from orlop.adapters.identity.ldap import LdapDirectory

# The LDAP library is imported when the first directory is opened: most registries have none.


def build_directories(settings: Settings, identity: Identity, access_changes: Changes) -> Directories:
    """Every directory that a document describes."""
    opening = partial(open_directory, settings.secrets.places)
    return Directories(identity.documents, identity.external, access_changes, SystemClock(), opening)


def synchronising(settings: Settings, directories: Directories) -> Work:
    """The job that looks who is still there."""
    return Work(DIRECTORIES, plain(directories.synchronise), settings.auth.synchronise)


def open_directory(places: SecretPlaces, source: str, provider: LdapProvider) -> "LdapDirectory":
    """One directory. Raises Unavailable for what cannot be used on this machine."""
    from orlop.adapters.secret_references import SecretFetcher

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 uses older names of pyasn1
        from orlop.adapters.identity.ldap import LdapDirectory

    password = SecretFetcher(places)(parse_secret(provider.bind_password)) if provider.bind_password else ""
    try:
        return LdapDirectory(source, provider, password)
    except OSError as cause:
        raise Unavailable(f"the authorities in {provider.ca} cannot be read: {cause}") from cause
