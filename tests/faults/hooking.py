"""A program that follows the outbox for webhooks and delivers, as a worker of a server does, until it is killed.

Started as `python -m tests.faults.hooking FOLDER|URL`. Its leases are short, so that the next one need not wait.
"""

import asyncio
import random
import sys
import uuid

from orlop.adapters.secret_references import SecretFetcher
from orlop.adapters.webhooks.sender import HttpSender
from orlop.bootstrap.clocks import SystemClock
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.webhooks.facts import Source
from orlop.ports.clock import HOUR, SECOND
from orlop.services.following import known
from orlop.services.jobs import lasting_work
from orlop.services.jobs.lasting_work import LastingWork
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.webhooks.deliver import JOB, Deliverer
from orlop.services.webhooks.intake import Describing, Intake
from orlop.services.webhooks.messages import Messages
from tests.faults.auditing import opened_at


async def work(place: str) -> None:
    """For as long as it lives."""
    lasting_work._LEASE, lasting_work._RENEW, lasting_work._ASK_EVERY = SECOND // 2, SECOND // 8, 0.05
    opened, clock, owner = opened_at(place), SystemClock(), str(uuid.uuid4())
    opened.start()
    store = opened.webhooks
    messages = Messages(HttpSender(("127.0.0.0/8",)), SecretFetcher(SecretPlaces()), Source("http://here"), clock)
    deliverer = Deliverer(
        store.queue, opened.identity.documents, messages, clock, random.random, lambda _: None, 24 * HOUR
    )
    delivering = LastingWork(JOB, deliverer.step, opened.leases, clock, owner, every=0.05)
    catalog = opened.catalog
    intake = Intake(
        catalog.outbox,
        opened.cursors,
        store.intake,
        SettingsInForce(opened.identity.documents, opened.settings_changes),
        Describing(catalog.manifests, catalog.links, opened.identity.facts),
        clock,
        delivering.call,
    )
    LastingWork(known.WEBHOOKS.job, intake.step, opened.leases, clock, owner, every=0.05).start()
    delivering.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
