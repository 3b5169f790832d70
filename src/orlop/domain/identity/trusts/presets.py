"""What is known of the claims of well-known issuers: which tell one customer from another, and how far to trust a `*`.

Sources: GitHub Docs, "OpenID Connect reference"; GitLab Docs, "OpenID Connect (OIDC) Authentication Using ID Tokens";
Kubernetes documentation, "Managing Service Accounts", bound service account token claims; Google Cloud documentation,
"Verifying the identity of instances" and "Get an ID token".
"""

import msgspec


class ClaimRule(msgspec.Struct, frozen=True):
    """What may be asked of a claim."""

    fixed: int = 0
    """How many components (between `/` and `:`) must stand before the first wildcard."""
    exact: bool = False
    """Whether no wildcard is safe in it at all."""
    anchor: bool = False
    """Whether it alone tells one customer of the issuer from every other."""
    begins: str = ""
    """What a value has to begin with to be an anchor, and to have a wildcard."""
    path: str = ""
    """Where the claim is, for those with a short name here."""


class PresetRules(msgspec.Struct, frozen=True):
    """Everything that is known of an issuer."""

    claims: dict[str, ClaimRule]
    other: ClaimRule = ClaimRule()
    """Of claims that are not among them."""
    needed: str = ""
    """What to say when no anchor is asked for."""


_EXACT = ClaimRule(exact=True)
_ANCHOR = ClaimRule(exact=True, anchor=True)
_PLAIN = ClaimRule()

_GITHUB = PresetRules(
    {
        "sub": ClaimRule(fixed=2, anchor=True, begins="repo:"),
        "repository": ClaimRule(fixed=1, anchor=True),
        "repository_id": _ANCHOR,
        "repository_owner": _ANCHOR,
        "repository_owner_id": _ANCHOR,
        "repository_visibility": _EXACT,
        "ref": ClaimRule(fixed=2),
        "ref_type": _EXACT,
        "ref_protected": _EXACT,
        "base_ref": _PLAIN,
        "head_ref": _PLAIN,
        "environment": _PLAIN,
        "event_name": _EXACT,
        # Any repository may call a public reusable workflow, so these say what ran and not for whom.
        "job_workflow_ref": ClaimRule(fixed=2),
        "workflow_ref": ClaimRule(fixed=2),
        "job_workflow_sha": _EXACT,
        "workflow_sha": _EXACT,
        "workflow": _PLAIN,
        "sha": _EXACT,
        "actor": _EXACT,
        "actor_id": _EXACT,
        "run_id": _EXACT,
        "run_number": _EXACT,
        "run_attempt": _EXACT,
        "runner_environment": _EXACT,
        "enterprise": _EXACT,
        "enterprise_id": _EXACT,
    },
    needed=(
        "GitHub signs for everybody: ask for repository (owner/name), repository_owner, their ids,"
        " or a sub that begins with repo:owner/"
    ),
)

_GITLAB = PresetRules(
    {
        "sub": ClaimRule(fixed=2, anchor=True, begins="project_path:"),
        "project_path": ClaimRule(fixed=1, anchor=True),
        "project_id": _ANCHOR,
        "namespace_path": ClaimRule(fixed=1, anchor=True),
        "namespace_id": _ANCHOR,
        "ref": _PLAIN,
        "ref_type": _EXACT,
        "ref_path": ClaimRule(fixed=2),
        "ref_protected": _EXACT,
        "environment": _PLAIN,
        "environment_protected": _EXACT,
        "environment_action": _EXACT,
        "deployment_tier": _EXACT,
        "pipeline_source": _EXACT,
        "pipeline_id": _EXACT,
        "job_id": _EXACT,
        "job_source": _EXACT,
        "project_visibility": _EXACT,
        "user_id": _EXACT,
        "user_login": _EXACT,
        "user_email": _EXACT,
        "user_access_level": _EXACT,
        "runner_id": _EXACT,
        "runner_environment": _EXACT,
        "sha": _EXACT,
        "ci_config_ref_uri": ClaimRule(fixed=3),
        "ci_config_sha": _EXACT,
    },
    needed=(
        "an instance of GitLab signs for all of its groups: ask for project_path (group/project), namespace_path,"
        " their ids, or a sub that begins with project_path:group/"
    ),
)

_KUBERNETES = PresetRules(
    {
        "sub": ClaimRule(fixed=3, anchor=True, begins="system:serviceaccount:"),
        "namespace": ClaimRule(exact=True, anchor=True, path="kubernetes.io/namespace"),
        "serviceaccount": ClaimRule(path="kubernetes.io/serviceaccount/name"),
        "kubernetes.io/namespace": _ANCHOR,
        "kubernetes.io/serviceaccount/name": _PLAIN,
        "kubernetes.io/serviceaccount/uid": _ANCHOR,
        "kubernetes.io/pod/name": _PLAIN,
        "kubernetes.io/pod/uid": _EXACT,
        "kubernetes.io/node/name": _PLAIN,
        "kubernetes.io/node/uid": _EXACT,
    },
    needed=(
        "a cluster signs for every namespace in it: ask for namespace, or a sub that begins with"
        " system:serviceaccount:namespace:"
    ),
)

_GOOGLE = PresetRules(
    {
        "sub": _ANCHOR,
        "email": _ANCHOR,
        "email_verified": _EXACT,
        "azp": _EXACT,
        "hd": _EXACT,
        "google/compute_engine/project_id": _ANCHOR,
        "google/compute_engine/project_number": _ANCHOR,
        "google/compute_engine/instance_id": _EXACT,
        "google/compute_engine/instance_name": _PLAIN,
        "google/compute_engine/zone": _EXACT,
    },
    other=_EXACT,
    needed="Google signs for everybody: ask for the email or the sub of one service account, word for word",
)

_OTHER = PresetRules(
    {"sub": ClaimRule(fixed=2, anchor=True), "email": _ANCHOR},
    other=ClaimRule(fixed=2, anchor=True),
    needed="ask for a claim that says who it is, such as sub; without one every token of the issuer would do",
)

#: By name; the empty one is for issuers that nothing is known of.
PRESETS: dict[str, PresetRules] = {
    "github": _GITHUB,
    "gitlab": _GITLAB,
    "kubernetes": _KUBERNETES,
    "google": _GOOGLE,
    "": _OTHER,
}

#: Claims that say nothing of who somebody is, whatever their value.
_HARMLESS = frozenset({"acr", "amr", "auth_time", "email_verified", "nonce", "scope", "token_use", "typ", "ver"})


def rule_of(preset: str, claim: str) -> ClaimRule:
    """What may be asked of a claim."""
    rules = PRESETS[preset]
    if claim in _HARMLESS and claim not in rules.claims:
        return _EXACT
    return rules.claims.get(claim, rules.other)
