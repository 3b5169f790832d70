"""Every role of who may do what on one engine."""

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.identity.accounts import SqlAccounts, SqlPasswords
from orlop.adapters.sql.identity.answers import SqlKeptAnswers
from orlop.adapters.sql.identity.browser import SqlSignOns, SqlSteps
from orlop.adapters.sql.identity.external import SqlExternalAccounts
from orlop.adapters.sql.identity.facts import SqlAccessFacts
from orlop.adapters.sql.identity.grants import SqlGrants
from orlop.adapters.sql.identity.groups import SqlGroups, SqlMembers
from orlop.adapters.sql.identity.namespaces import SqlNamespaces
from orlop.adapters.sql.identity.rates import SqlRates
from orlop.adapters.sql.identity.secrets import SqlSecrets, SqlUses
from orlop.adapters.sql.identity.sessions import SqlFailedAttempts, SqlSessions, SqlSigningKeys
from orlop.adapters.sql.settings import SqlDocuments
from orlop.ports.identity import Identity


def identity_on(engine: Engine) -> Identity:
    """Every role on one engine."""
    return Identity(
        accounts=SqlAccounts(engine),
        external=SqlExternalAccounts(engine),
        passwords=SqlPasswords(engine),
        secrets=SqlSecrets(engine),
        uses=SqlUses(engine),
        groups=SqlGroups(engine),
        members=SqlMembers(engine),
        grants=SqlGrants(engine),
        namespaces=SqlNamespaces(engine),
        documents=SqlDocuments(engine),
        facts=SqlAccessFacts(engine),
        keys=SqlSigningKeys(engine),
        attempts=SqlFailedAttempts(engine),
        sessions=SqlSessions(engine),
        steps=SqlSteps(engine),
        sign_ons=SqlSignOns(engine),
        answers=SqlKeptAnswers(engine),
        rates=SqlRates(engine),
    )
