"""End points that say why somebody may or may not do something, and who may."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.access import Action, Visibility
from orlop.domain.access.explanation import Considered
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.api import values
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.services.management.all import Management
from orlop.services.management.explain import Able, Explained, ExplainQuery
from orlop.services.management.operations import Operation


class ConsideredValue(msgspec.Struct, frozen=True):
    """A grant that was looked at, whether it applies, and why or why not."""

    grant: values.GrantValue
    applies: bool
    reason: str

    @classmethod
    def of(cls, considered: Considered) -> "ConsideredValue":
        return cls(values.GrantValue.of_grant(considered.grant), considered.applies, considered.reason)


class VisibilityValue(msgspec.Struct, frozen=True):
    """What the nearest namespace that says something says; `` is the root. `opens`: that alone would allow it."""

    visibility: Visibility
    namespace: str
    opens: bool


class ExplanationValue(msgspec.Struct, frozen=True):
    """A decision with everything that went into it. `limits` null: the credential is good for everything."""

    allowed: bool
    rule: str
    changes: tuple[str, ...]
    unfit: str
    groups: tuple[str, ...]
    grants: tuple[ConsideredValue, ...]
    visibility: VisibilityValue
    limits: tuple[values.LimitValue, ...] | None
    within_limits: bool
    repository_exists: bool

    @classmethod
    def of(cls, explained: Explained) -> "ExplanationValue":
        found = explained.considerations
        rule, changes = found.decision.rule, found.changes
        if explained.unfit:
            rule, changes = explained.unfit, (f"make it fit to sign in: {explained.unfit}", *changes)
        return cls(
            allowed=found.decision.allowed and not explained.unfit,
            rule=rule,
            changes=changes,
            unfit=explained.unfit,
            groups=explained.groups,
            grants=tuple(ConsideredValue.of(one) for one in found.grants),
            visibility=VisibilityValue(found.visible.visibility, found.visible.namespace, found.opened),
            limits=values.limit_values(found.limits),
            within_limits=found.within,
            repository_exists=explained.exists,
        )


class AbleValue(msgspec.Struct, frozen=True):
    """An account, or `group:` and a group, with what it may do, and by which grants."""

    principal: str
    actions: tuple[Action, ...]
    grants: tuple[int, ...]
    conditional: bool

    @classmethod
    def of(cls, able: Able) -> "AbleValue":
        return cls(
            able.principal, values.ordered(able.actions), tuple(grant.id for grant in able.grants), able.conditional
        )


class WhoValue(msgspec.Struct, frozen=True):
    """Everybody who has a grant on a repository, and what its visibility opens to others besides."""

    able: tuple[AbleValue, ...]
    grants: tuple[values.GrantValue, ...]
    visibility: Visibility
    namespace: str
    complete: bool


def access(management: Management) -> list[HTTPRouteHandler]:
    """`/access`."""

    @get("/access/explain", operation_id="explainAccess", tags=["access"], operation=Operation.EXPLAIN)
    async def explain_access(
        request: ApiRequest,
        action: Annotated[Action, QueryParameter(name="action", description="What is to be done.")],
        subject: Annotated[
            str,
            QueryParameter(name="subject", max_length=255, description="An account or `anonymous`; else oneself."),
        ] = "",
        repository: Annotated[
            str, QueryParameter(name="repository", max_length=255, description="Empty: on the registry as a whole.")
        ] = "",
        tag: Annotated[str, QueryParameter(name="tag", max_length=128, description="The tag that it is about.")] = "",
        address: Annotated[
            str, QueryParameter(name="address", max_length=64, description="The address that they come from.")
        ] = "",
        credential: Annotated[
            int, QueryParameter(name="credential", ge=0, le=2**53, description="The number of a secret of theirs.")
        ] = 0,
    ) -> ExplanationValue:
        """Why somebody may or may not do something: every grant that was looked at, and what would change it."""
        asked = ExplainQuery(
            subject=subject or caller_of(request).subject.name,
            action=action,
            repository=RepositoryName(repository) if repository else None,
            tag=Tag(tag) if tag else None,
            address=address,
            credential=credential,
        )
        return ExplanationValue.of(await management.explaining.explain(caller_of(request), asked))

    @get("/access/who", operation_id="whoMay", tags=["access"], operation=Operation.WHO)
    async def who_may(
        request: ApiRequest,
        repository: Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")],
    ) -> WhoValue:
        """Who may do what to a repository, and by which grants."""
        who = await management.explaining.who(caller_of(request), RepositoryName(repository))
        grants = {grant.id: grant for able in who.able for grant in able.grants}
        return WhoValue(
            able=tuple(AbleValue.of(able) for able in who.able),
            grants=tuple(values.GrantValue.of_grant(grants[number]) for number in sorted(grants)),
            visibility=who.visible.visibility,
            namespace=who.visible.namespace,
            complete=who.complete,
        )

    return [explain_access, who_may]
