"""Where what needs somebody is dealt with: the address of a page, below that of the registry."""

from urllib.parse import quote, urlencode

from orlop.domain.attention import Concern, ConcernKind


def page_of(concern: Concern) -> str:
    """The page that shows it."""
    match concern.kind:
        case ConcernKind.QUOTA:
            return f"/r/{quote(concern.place)}/-/usage" if concern.place else "/health"
        case ConcernKind.TOKEN:
            return "/account"
        case ConcernKind.ROBOT_SECRET:
            return f"/robots/{quote(concern.name, safe='')}"
        case ConcernKind.WEBHOOK:
            query = f"?{urlencode({'path': concern.place})}" if concern.place else ""
            return f"/webhooks/{quote(concern.name, safe='')}{query}"
        case ConcernKind.JOB:
            return f"/jobs/{concern.name}"
        case ConcernKind.UPSTREAM:
            return "/world"
        case ConcernKind.SCANNER:
            return f"/r/{quote(concern.place)}/-/rules" if concern.place else "/rules"
        case ConcernKind.RETENTION_PLAN:
            return f"/plans/{concern.name}"
        case ConcernKind.EXCEPTION:
            query = f"?{urlencode({'path': concern.place})}" if concern.place else ""
            return f"/rules/exceptions/{quote(concern.name, safe='')}{query}"
        case ConcernKind.VULNERABILITY:
            return f"/r/{quote(concern.place)}/-/vulnerabilities"
        case ConcernKind.ADVISORIES:
            return "/advisories"
        case ConcernKind.BACKUP:
            return f"/backups?{urlencode({'schedule': concern.name})}"
        case (
            ConcernKind.CERTIFICATE
            | ConcernKind.FOLLOWER
            | ConcernKind.QUARANTINE
            | ConcernKind.DISK
            | ConcernKind.UNREAD_IMAGES
        ):
            return "/health"
