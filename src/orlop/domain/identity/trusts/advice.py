"""What to tell whoever makes a trust that is safe from strangers, and perhaps wider than it was meant."""

from difflib import get_close_matches

from orlop.domain.identity.trusts.claims import values_of
from orlop.domain.identity.trusts.presets import PRESETS
from orlop.domain.identity.trusts.trust import OidcTrust, Trust

#: Of these each says which revision of the code runs, or that somebody approved of it.
_GITHUB_NARROW = ("ref", "environment", "event_name", "job_workflow_ref", "workflow_ref", "ref_protected", "sha")
_GITLAB_NARROW = ("ref", "ref_path", "ref_protected", "environment", "sub")


def advice(trust: Trust) -> tuple[str, ...]:
    """Sentences for people; empty when there is nothing to say."""
    if not isinstance(trust, OidcTrust):
        return ()
    found = [*_unknown(trust)]
    match trust.preset:
        case "github":
            found += _github(trust)
        case "gitlab":
            if not any(name in trust.claims for name in _GITLAB_NARROW):
                found.append("every branch, and every job in it, becomes the robot; ask for ref_protected or ref, too")
        case "kubernetes":
            if not any(name in trust.claims for name in ("sub", "serviceaccount", "kubernetes.io/serviceaccount/name")):
                found.append("every service account of the namespace becomes the robot; ask for serviceaccount, too")
        case _:
            pass
    return tuple(found)


def _github(trust: OidcTrust) -> list[str]:
    subjects = values_of(trust.claims.get("sub", ()))
    pulls = any(value.endswith((":pull_request", ":**", ":*")) for value in subjects)
    events = values_of(trust.claims.get("event_name", ()))
    refs = values_of(trust.claims.get("ref", ()))
    if pulls or any(value.startswith("pull_request") for value in events) or any("/pull/" in ref for ref in refs):
        return ["pull requests become the robot: whoever may open one runs code of their own with its rights"]
    if not subjects and not any(name in trust.claims for name in _GITHUB_NARROW):
        return ["every branch, tag and pull request becomes the robot; ask for ref or environment, too"]
    return []


def _unknown(trust: OidcTrust) -> list[str]:
    known = PRESETS[trust.preset].claims if trust.preset else {}
    found = []
    for name in trust.claims if known else ():
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"; perhaps {near[0]} is meant" if near else ""
            found.append(f"no claim {name} is known of {trust.preset}: without it in a token nobody gets in{meant}")
    return found
