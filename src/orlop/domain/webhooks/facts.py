"""What is told of an event: everything that a format may need, as it was when the event was read."""

import msgspec

from orlop.domain.events import Event

#: The kind of a message that tells of nothing: somebody tries a hook.
TEST = "webhook.test"


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An event for others: neither where the actor sat nor what they were signed in with is among it."""

    event: int
    at: int
    kind: str
    actor: str = ""
    repository: str = ""
    digest: str = ""
    tag: str = ""
    subject: str = ""
    detail: str = ""
    count: int = 1
    request: str = ""
    media_type: str = ""
    """Of the manifest that the event is about; empty where it is not known, or gone."""
    size: int = 0
    public: bool = False
    """Whether everybody may pull from the repository."""


def facts_of(event: Event) -> Facts:
    """What an event says by itself."""
    return Facts(
        event=event.id,
        at=event.at,
        kind=event.kind.value,
        actor=event.actor,
        repository=event.repository,
        digest=event.digest,
        tag=event.tag,
        subject=event.subject,
        detail=event.detail,
        count=event.count,
        request=event.origin.request,
    )


class Source(msgspec.Struct, frozen=True):
    """The registry that tells: the URL under which it is reached, without a slash at its end."""

    url: str

    @property
    def host(self) -> str:
        """As it stands in references to images."""
        return self.url.partition("://")[2]


class Content(msgspec.Struct, frozen=True):
    """What is posted, but for signature and authorization."""

    media_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
