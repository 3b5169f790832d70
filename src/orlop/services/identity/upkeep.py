"""What keeps accounts and credentials in order by itself: uses are written, keys change, owners are warned in time."""

from orlop.domain.job_kinds import KEYS, WARNINGS
from orlop.ports.clock import HOUR, Clock
from orlop.ports.identity import Secrets
from orlop.services.identity.signing import Signing
from orlop.services.identity.uses import UseLog
from orlop.services.jobs.work import Work, plain
from orlop.services.jobs.worker import Chore

#: How often uses are written, in seconds.
_USES_EVERY = 15.0

#: How often keys and secrets are looked at, and how long before its end a secret is warned of, in microseconds.
_LOOK_EVERY = HOUR
_WARN = 7 * 24 * HOUR
_BATCH = 500


def writing_uses(uses: UseLog) -> Chore:
    """The chore that writes when accounts and secrets were used last."""
    return Chore("uses of accounts", _USES_EVERY, uses.flush)


def changing_keys(signing: Signing) -> Work:
    """The job that makes the next key that signs tokens."""
    return Work(KEYS, plain(signing.rotate), _LOOK_EVERY)


def warning_of_ends(secrets: Secrets, clock: Clock) -> Work:
    """The job that writes an event for each secret that expires within a week."""

    async def warn() -> str:
        warned, batch = 0, _BATCH
        while batch == _BATCH:
            now = clock.now()
            batch = len(await secrets.expiring(now + _WARN, now, _BATCH))
            warned += batch
        return f"{warned} secrets expire soon"

    return Work(WARNINGS, plain(warn), _LOOK_EVERY)
