"""Builds those who say who somebody is, beside this registry itself."""

from orlop.bootstrap.sign_in import Sources
from orlop.bootstrap.workload import workload_tokens
from orlop.config import Settings
from orlop.ports.identity import Identity


def sources(settings: Settings, identity: Identity) -> Sources:
    """All of one process."""
    return Sources(tokens=(workload_tokens(settings, identity.documents),))
