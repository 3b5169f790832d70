"""Every role of who may do what, in memory."""

from orlop.adapters.memory.idempotency import MemoryKeptAnswers
from orlop.adapters.memory.identity_accounts import MemoryAccounts, MemoryPasswords
from orlop.adapters.memory.identity_browser import MemorySignOns, MemorySteps
from orlop.adapters.memory.identity_documents import MemoryDocuments
from orlop.adapters.memory.identity_external import MemoryExternalAccounts
from orlop.adapters.memory.identity_facts import MemoryAccessFacts
from orlop.adapters.memory.identity_grants import MemoryGrants
from orlop.adapters.memory.identity_groups import MemoryGroups
from orlop.adapters.memory.identity_namespaces import MemoryNamespaces
from orlop.adapters.memory.identity_secrets import MemorySecrets
from orlop.adapters.memory.identity_sessions import MemoryFailedAttempts, MemorySessions, MemorySigningKeys
from orlop.adapters.memory.rates import MemoryRates
from orlop.adapters.memory.state import State
from orlop.ports.identity import Identity


def on(state: State) -> Identity:
    """Every role on one state."""
    accounts, secrets, groups = MemoryAccounts(state), MemorySecrets(state), MemoryGroups(state)
    return Identity(
        accounts=accounts,
        external=MemoryExternalAccounts(state),
        passwords=MemoryPasswords(state),
        secrets=secrets,
        uses=secrets,
        groups=groups,
        members=groups.members,
        grants=MemoryGrants(state),
        namespaces=MemoryNamespaces(state),
        documents=MemoryDocuments(state),
        facts=MemoryAccessFacts(state),
        keys=MemorySigningKeys(state),
        attempts=MemoryFailedAttempts(state),
        sessions=MemorySessions(state),
        steps=MemorySteps(state),
        sign_ons=MemorySignOns(state),
        answers=MemoryKeptAnswers(),
        rates=MemoryRates(),
    )
