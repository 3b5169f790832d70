"""What is sent for a delivery: written in the format of its hook, with its secrets, signed."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SecretReference, parse_secret
from orlop.domain.webhooks.facts import Facts, Source
from orlop.domain.webhooks.formats import written
from orlop.domain.webhooks.hook import WEBHOOKS, Webhook
from orlop.domain.webhooks.signature import signed
from orlop.ports.clock import SECOND, Clock
from orlop.ports.settings import Document, Documents, place_of
from orlop.ports.webhooks import Answer, Attempt, Outgoing, WebhookSender

#: Fetches secrets from where they are kept. Raises Unavailable.
Fetching = Callable[[SecretReference], str]

_KEPT = ("env:", "file:")


class Unreadable(Unavailable):
    """A webhook that a newer release wrote."""


async def hook_of(documents: Documents, identity: str) -> Webhook | None:
    """The webhook of an identity; None when there is none, or another of its name. Raises Unreadable."""
    path, name = place_of(identity)
    document = await documents.get(WEBHOOKS.kind, name, path)
    return read(document) if document is not None and document.identity == identity else None


def read(document: Document) -> Webhook:
    """A webhook as it is kept. Raises Unreadable."""
    try:
        return msgspec.json.decode(document.body, type=Webhook)
    except msgspec.MsgspecError as cause:
        raise Unreadable(f"the webhook {document.name} cannot be read by this release: {cause}") from cause


class Messages:
    """Sends messages: each attempt has the same id and body, and a time and signature of its own."""

    def __init__(self, sender: WebhookSender, fetching: Fetching, source: Source, clock: Clock) -> None:
        self._sender = sender
        self._fetching = fetching
        self._source = source
        self._clock = clock

    async def send(self, hook: Webhook, message: str, facts: bytes, number: int) -> tuple[Answer, Attempt]:
        """Send once; what came of it."""
        began = self._clock.now()
        try:
            answer = await self._sender.send(self._outgoing(hook, await self._secrets(hook), message, facts, began))
        except Unavailable as failure:  # a secret is not where it is said to be
            answer = Answer(error=failure.message)
        except ValueError as cause:  # what is there is no secret
            answer = Answer(error=str(cause))
        if not answer.fine and not answer.error:
            answer = msgspec.structs.replace(answer, error=f"the receiver answered {answer.status}")
        took = max(0, self._clock.now() - began)
        return answer, Attempt(number, began, took, answer.status, answer.body, answer.error)

    async def close(self) -> None:
        """Let go of the sender."""
        await self._sender.close()

    async def _secrets(self, hook: Webhook) -> "_Secrets":
        """Those of a hook, fetched anew where they are kept elsewhere. Raises Unavailable, ValueError."""
        texts = (hook.secret, hook.second_secret, hook.authorization, hook.client_key)
        if any(text.startswith(_KEPT) for text in texts):
            return _Secrets(*await asyncio.to_thread(lambda: [self._fetched(text) for text in texts]))
        return _Secrets(*texts)

    def _fetched(self, text: str) -> str:
        return self._fetching(parse_secret(text)) if text.startswith(_KEPT) else text

    def _outgoing(self, hook: Webhook, secrets: "_Secrets", message: str, facts: bytes, now: int) -> Outgoing:
        """What goes over the wire. Raises ValueError."""
        content = written(hook.format, message, msgspec.json.decode(facts, type=Facts), self._source)
        headers = {name: value.strip() for name, _, value in (line.partition(":") for line in hook.headers)}
        headers |= {"content-type": content.media_type, **dict(content.headers)}
        signing = [secret for secret in (secrets.first, secrets.second) if secret]
        headers |= dict(signed(signing, message, now // SECOND, content.body))
        if secrets.authorization:
            headers["authorization"] = secrets.authorization
        return Outgoing(
            hook.url, headers, content.body, hook.ca_certificate, hook.client_certificate, secrets.client_key
        )


class _Secrets(NamedTuple):
    """The secrets of a hook as they are."""

    first: str
    second: str
    authorization: str
    client_key: str
