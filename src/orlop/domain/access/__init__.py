"""Who may do what: subjects, actions, roles, grants, and the one function that decides, with its reasons.

How somebody proves who they are is not here, nor where grants are kept.
"""

from orlop.domain.access.actions import Action
from orlop.domain.access.decisions import Decision, Question, RuleKind, decide
from orlop.domain.access.grants import Conditions, Effect, Grant, Limit, Place, PlaceKind, Window
from orlop.domain.access.rights import Rights, Visibility, VisibilityAt
from orlop.domain.access.roles import ROLES, Role
from orlop.domain.access.subjects import ANONYMOUS, SYSTEM, Caller, Subject, SubjectKind

__all__ = [
    "ANONYMOUS",
    "ROLES",
    "SYSTEM",
    "Action",
    "Caller",
    "Conditions",
    "Decision",
    "Effect",
    "Grant",
    "Limit",
    "Place",
    "PlaceKind",
    "Question",
    "Rights",
    "Role",
    "RuleKind",
    "Subject",
    "SubjectKind",
    "Visibility",
    "VisibilityAt",
    "Window",
    "decide",
]
