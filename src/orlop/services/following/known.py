"""Every follower of this release."""

from orlop.ports.audit import AUDIT
from orlop.ports.following import Follower, Stream

#: The audit log. It leaves nothing out, whatever it fails at.
AUDIT_LOG = Follower("audit", Stream.OUTBOX, AUDIT, AUDIT, skips=False)
#: What makes deliveries of events.
WEBHOOKS = Follower("webhooks", Stream.OUTBOX, "webhooks", "follow-webhooks")
#: What has images wait to be read.
INSIDE = Follower("images", Stream.OUTBOX, "inside", "follow-images")
#: What has images wait for scanners.
SCANS = Follower("scans", Stream.OUTBOX, "scans", "follow-scans")
#: What lets things out of quarantine.
QUARANTINE = Follower("quarantine", Stream.OUTBOX, "quarantine", "follow-quarantine")
#: What has images enter stages by themselves.
PROMOTIONS = Follower("promotions", Stream.OUTBOX, "promotions", "follow-promotions")

#: What has statements about images wait to be signed.
STATEMENTS = Follower("statements", Stream.OUTBOX, "statements", "follow-statements")


def forwarding(sink: str) -> Follower:
    """What sends the audit log to a sink of that name."""
    return Follower(f"forward-{sink}", Stream.AUDIT, sink, f"forward-{sink}")
