"""Each of those that know of something that needs somebody, in bounded work."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.access import Action, Caller
from orlop.domain.attention import Concern, ConcernKind, Severity
from orlop.domain.counts import counted
from orlop.domain.durations import DAY
from orlop.domain.errors import Unavailable
from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.pages import PageRequest
from orlop.domain.queue import JobState
from orlop.domain.quotas import amount
from orlop.domain.retention.plans import PlanState
from orlop.domain.scanning.scanner import SCANNERS
from orlop.domain.settings import place_words
from orlop.domain.sizes import size_words
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.ports.advisories import AdvisorySources
from orlop.ports.blobs import StoreSpace
from orlop.ports.certificates import Certificates
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors, Follower
from orlop.ports.identity import Secrets
from orlop.ports.queue import Jobs
from orlop.ports.retention import RetentionPlans
from orlop.ports.scans import ScannerStates
from orlop.ports.scrub import Quarantine
from orlop.ports.setting_ends import SettingEnds
from orlop.ports.settings import Documents, place_of
from orlop.ports.upstreams import UpstreamStates
from orlop.ports.usage import Usages
from orlop.ports.webhooks import DEAD_MAX, DeliveryLog
from orlop.services.advisories.updating import feeds
from orlop.services.following.followers import states
from orlop.services.management.operations import Administered, Gate, Operation
from orlop.services.management.secrets import ALL
from orlop.services.usage.levels import quota_levels
from orlop.services.webhooks.fares import MOST

#: Tells what needs a caller, by where they have a say.
Source = Callable[[Caller, Administered], Awaitable[Sequence[Concern]]]

#: How long before its end a secret is told of, and from when on that is urgent, in microseconds.
ENDING, URGENT = 14 * DAY, 2 * DAY
#: For how long a plan that nobody applied, and a job that failed, is told of.
_PLANS, _JOBS = 7 * DAY, 7 * DAY
#: How much of a quota has to be used up where it does not say when somebody is warned, in percent.
WARN = 90
#: Rows that are looked through for what a caller may see.
_LOOKED_AT = 500


def quotas(documents: Documents, usages: Usages, clock: Clock) -> Source:
    """Those that are nearly used up, of places whose rules the caller may change."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        levels = await quota_levels(
            documents, usages, clock.now(), lambda path: seeing.setting(Action.POLICY_EDIT, path)
        )
        full = [level for level in levels if level.used * 100 >= level.limit * (level.warn or WARN)]
        full.sort(key=lambda level: level.used / level.limit, reverse=True)
        return [
            Concern(
                kind=ConcernKind.QUOTA,
                severity=Severity.ERROR if level.used >= level.limit else Severity.WARNING,
                text=f"the quota {level.quota} of {place_words(level.path)} has {amount(level.of, level.used)} of"
                f" {amount(level.of, level.limit)} in use, {level.used * 100 // level.limit} %",
                place=level.path,
                name=level.quota,
            )
            for level in full
        ]

    return tell


def tokens(secrets: Secrets, gate: Gate) -> Source:
    """The caller's own."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.TOKEN_READ, own=True):
            return []
        now, own = gate.now(), caller.subject.name
        page = await secrets.of(own, ALL)
        found = [each for each in page.items if each.kind == "token" and now < each.expires_at < now + ENDING]
        return [
            Concern(
                kind=ConcernKind.TOKEN,
                severity=_how_soon(each.expires_at, now),
                text=f"your access token {each.name or each.id} expires {_within(each.expires_at, now)}",
                name=str(each.id),
            )
            for each in sorted(found, key=lambda secret: secret.expires_at)
        ]

    return tell


def robots(secrets: Secrets, clock: Clock) -> Source:
    """Of robots that the caller administers."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        now = clock.now()
        found = await secrets.robots_ending(now + ENDING, now, _LOOKED_AT)
        return [
            Concern(
                kind=ConcernKind.ROBOT_SECRET,
                severity=_how_soon(secret.expires_at, now),
                text=f"the secret {secret.name or secret.id} of {secret.account} expires"
                f" {_within(secret.expires_at, now)}",
                place=namespace,
                name=secret.account,
            )
            for secret, namespace in found
            if seeing.namespace(namespace)
        ]

    return tell


def exceptions(setting_ends: SettingEnds, clock: Clock) -> Source:
    """Those that end soon, of places whose rules the caller may change."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        now = clock.now()
        found = await setting_ends.ending(EXCEPTIONS.kind, now, _LOOKED_AT)
        return [
            Concern(
                kind=ConcernKind.EXCEPTION,
                severity=_how_soon(each.ends.ends_at, now),
                text=f"the exception {each.name} of {place_words(each.path)} ends {_within(each.ends.ends_at, now)}",
                place=each.path,
                name=each.name,
            )
            for each in found
            if 0 < each.ends.remind_at <= now and seeing.setting(EXCEPTIONS.change, each.path)
        ]

    return tell


def webhooks(documents: Documents, log: DeliveryLog) -> Source:
    """Those that the caller may see."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        found = await log.troubled(MOST)
        if not found:
            return []
        there = {document.identity for document in await documents.all(WEBHOOKS.kind)}
        concerns = []
        for each in found:
            path, name = place_of(each.hook)
            if each.hook not in there or not seeing.setting(WEBHOOKS.read, path):
                continue
            if each.health.paused_at:
                what = f"is paused: {each.health.error}"
            elif each.health.failures:
                what = f"fails: {each.health.error}"
            else:
                many = f"{each.dead} or more" if each.dead >= DEAD_MAX else str(each.dead)
                what = f"has {many} {'delivery that was' if each.dead == 1 else 'deliveries that were'} given up"
            concerns.append(
                Concern(
                    kind=ConcernKind.WEBHOOK,
                    severity=Severity.ERROR if each.health.failures or each.health.paused_at else Severity.WARNING,
                    text=f"the webhook {name} of {place_words(path)} {what}",
                    place=path,
                    name=name,
                )
            )
        return concerns

    return tell


def jobs(queue: Jobs, gate: Gate) -> Source:
    """Those that failed, for whoever sees jobs."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.JOB_READ):
            return []
        now = gate.now()
        page = await queue.page(PageRequest(_LOOKED_AT // 10), JobState.FAILED)
        return [
            Concern(
                kind=ConcernKind.JOB,
                severity=Severity.ERROR,
                text=f"the job {job.id}, {job.kind}, failed: {job.error}",
                place=job.place,
                name=str(job.id),
            )
            for job in page.items
            if job.ended_at > now - _JOBS
        ]

    return tell


def upstreams(documents: Documents, known: UpstreamStates) -> Source:
    """Those that the caller may see."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        away = [(identity, state) for identity, state in await known.all() if state.breaker.away_since]
        if not away:
            return []
        there = {document.identity for document in await documents.all(UPSTREAMS.kind)}
        return [
            Concern(
                kind=ConcernKind.UPSTREAM,
                severity=Severity.ERROR,
                text=f"the upstream {name} of {place_words(path)} is away: {state.last_error}",
                place=path,
                name=name,
            )
            for identity, state in away
            for path, name in [place_of(identity)]
            if identity in there and seeing.setting(UPSTREAMS.read, path)
        ]

    return tell


def scanners(documents: Documents, known: ScannerStates) -> Source:
    """Those that the caller may see."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        failing = [(identity, state) for identity, state in await known.all() if state.failing_since]
        if not failing:
            return []
        there = {document.identity for document in await documents.all(SCANNERS.kind)}
        return [
            Concern(
                kind=ConcernKind.SCANNER,
                severity=Severity.ERROR,
                text=f"the scanner {name} of {place_words(path)} does not answer: {state.error}",
                place=path,
                name=name,
            )
            for identity, state in failing
            for path, name in [place_of(identity)]
            if identity in there and seeing.setting(SCANNERS.read, path)
        ]

    return tell


def plans(kept: RetentionPlans, clock: Clock) -> Source:
    """The newest of each place that would delete something and that nobody applied."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        newest: set[str] = set()
        concerns = []
        for plan in (await kept.page(PageRequest(_LOOKED_AT // 5))).items:
            is_newest = plan.path not in newest
            newest.add(plan.path)
            figures = plan.figures
            waits = plan.state is PlanState.PLANNED and plan.asked_at > clock.now() - _PLANS
            if not (is_newest and waits and (figures.deleted_tags or figures.deleted_manifests)):
                continue
            if not seeing.setting(Action.POLICY_EDIT, plan.path):
                continue
            concerns.append(
                Concern(
                    kind=ConcernKind.RETENTION_PLAN,
                    severity=Severity.WARNING,
                    text=f"the plan {plan.id} for {place_words(plan.path)} waits: it deletes"
                    f" {counted(figures.deleted_tags, 'tag')} and {counted(figures.deleted_manifests, 'manifest')},"
                    f" {size_words(figures.bytes)}",
                    place=plan.path,
                    name=str(plan.id),
                )
            )
        return concerns

    return tell


def following(cursors: Cursors, known: Sequence[Follower], gate: Gate) -> Source:
    """Followers that fail, for whoever sees them."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.FOLLOWER_READ):
            return []
        return [
            Concern(
                kind=ConcernKind.FOLLOWER,
                severity=Severity.ERROR,
                text=f"{each.follower.name} fails at {each.trouble.position}: {each.trouble.error}",
                name=each.follower.name,
            )
            for each in await states(cursors, known)
            if each.trouble is not None
        ]

    return tell


def damaged(quarantine: Quarantine, gate: Gate) -> Source:
    """How many copies nobody gets, for whoever sees the scrub."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.SCRUB_READ):
            return []
        count = await quarantine.count()
        if not count:
            return []
        what = "copy of a blob is" if count == 1 else "copies of blobs are"
        text = f"{count} {what} damaged, and nobody gets {'it' if count == 1 else 'them'}: push what they are of again"
        return [Concern(kind=ConcernKind.QUARANTINE, severity=Severity.ERROR, text=text)]

    return tell


def advisories(documents: Documents, known: AdvisorySources, gate: Gate) -> Source:
    """Sources that fail or were not updated for long, for whoever sees how imports went."""

    async def tell(caller: Caller, _: Administered) -> Sequence[Concern]:
        if not await gate.may(caller, Operation.ADVISORY_STATUS):
            return []
        went = {one.name: one for one in await known.all()}
        concerns = []
        for feed in await feeds(documents):
            one = went.get(feed.name)
            late = one is not None and one.imported_at and gate.now() - one.imported_at > feed.body.limit
            if one is None or not (one.error or late):
                continue
            if late:
                age = f"was last updated {counted((gate.now() - one.imported_at) // DAY, 'day')} ago"
            else:
                age = "still has what it had" if one.imported_at else "never had anything"
            why = f"fails: {one.error}; it {age}" if one.error else age
            concerns.append(
                Concern(
                    kind=ConcernKind.ADVISORIES,
                    severity=Severity.ERROR if late or not one.imported_at else Severity.WARNING,
                    text=f"the source {feed.name} of advisories {why}",
                    name=feed.name,
                )
            )
        return concerns

    return tell


def disk(space: StoreSpace | None) -> Source:
    """Whether the disk of the blobs fills up, for whoever sees the whole registry."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        if space is None or not seeing.everything:
            return []
        try:
            there = await space.space()
        except Unavailable as failure:
            return [Concern(kind=ConcernKind.DISK, severity=Severity.ERROR, text=failure.message)]
        if there.free > max(2 * there.reserve, there.size // 10):
            return []
        if there.free <= there.reserve:
            severity, what = Severity.ERROR, "and nothing more is taken"
        else:
            severity, what = Severity.WARNING, f"of which {size_words(there.reserve)} are kept"
        text = f"{size_words(there.free)} of {size_words(there.size)} are free on the disk of the blobs, {what}"
        return [Concern(kind=ConcernKind.DISK, severity=severity, text=text)]

    return tell


def certificates(files: Certificates, clock: Clock) -> Source:
    """Those that end soon, or of which nobody knows when, for whoever sees the whole registry."""

    async def tell(_: Caller, seeing: Administered) -> Sequence[Concern]:
        if not seeing.everything:
            return []
        now, found = clock.now(), []
        for one in await files.standing():
            if one.trouble:
                severity, text = Severity.ERROR, f"the certificate of {one.name}: {one.trouble}"
            elif one.ends_at <= now:
                severity, text = Severity.ERROR, f"the certificate of {one.name} has ended: nobody trusts it any more"
            elif one.ends_at < now + ENDING:
                severity = _how_soon(one.ends_at, now)
                text = f"the certificate of {one.name} ends {_within(one.ends_at, now)}"
            else:
                continue
            found.append(Concern(kind=ConcernKind.CERTIFICATE, severity=severity, text=text, name=one.name))
        return found

    return tell


def _how_soon(at: int, now: int) -> Severity:
    return Severity.ERROR if at - now < URGENT else Severity.WARNING


def _within(at: int, now: int) -> str:
    days = (at - now) // DAY
    return "within a day" if not days else "in a day" if days == 1 else f"in {days} days"
