"""End points about the keys that sign what the registry attests."""

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from orlop.faces.api import values
from orlop.faces.api.exchange import ApiRequest, caller_of, whole
from orlop.ports.attesting import AttestationKey
from orlop.services.attesting.keys import AttestationKeyDesk, SigningStatus
from orlop.services.management.operations import Operation


class SigningKeyValue(msgspec.Struct, frozen=True):
    """A key that signs what the registry attests, from `created_at` until `retired_at`: none while it signs. `public`:
    its public part in PEM. The private part is never shown."""

    id: str
    public: str
    created_at: values.Time
    retired_at: values.Time

    @classmethod
    def of(cls, key: AttestationKey) -> "SigningKeyValue":
        """As clients see it."""
        return cls(key.id, key.public.decode(), values.time(key.created_at), values.time(key.retired_at))


class SigningStatusValue(msgspec.Struct, frozen=True):
    """`key`: the one that signs, if any. `waiting`: statements that are not signed or not attached yet, since
    `oldest_at`; `error`: why the oldest one is not, as far as it was tried."""

    key: SigningKeyValue | None
    waiting: int
    oldest_at: values.Time
    error: str

    @classmethod
    def of(cls, status: SigningStatus) -> "SigningStatusValue":
        """As clients see it."""
        key, backlog = status.key, status.backlog
        shown = SigningKeyValue.of(key) if key is not None else None
        return cls(shown, backlog.waiting, values.time(backlog.oldest_at), backlog.error)


def signing(desk: AttestationKeyDesk) -> list[HTTPRouteHandler]:
    """`/signing`."""

    @get("/signing/keys", operation_id="listSigningKeys", tags=["signing"], operation=Operation.SIGNING_READ)
    async def list_signing_keys(request: ApiRequest) -> list[SigningKeyValue]:
        """The keys that sign or signed what the registry attests, newest first."""
        return whole(await desk.all(caller_of(request)), SigningKeyValue.of)

    @get("/signing/status", operation_id="showSigningStatus", tags=["signing"], operation=Operation.SIGNING_STATUS)
    async def show_signing_status(request: ApiRequest) -> SigningStatusValue:
        """Which key signs what the registry attests, and how much waits for it."""
        return SigningStatusValue.of(await desk.status(caller_of(request)))

    @post("/signing/init", operation_id="beginSigning", tags=["signing"], operation=Operation.SIGNING_CHANGE)
    async def begin_signing(request: ApiRequest) -> SigningKeyValue:
        """Have the registry sign what it attests, with a new key where none does; the key that signs."""
        return SigningKeyValue.of(await desk.begin(caller_of(request)))

    @post("/signing/rotate", operation_id="rotateSigningKey", tags=["signing"], operation=Operation.SIGNING_CHANGE)
    async def rotate_signing_key(request: ApiRequest) -> SigningKeyValue:
        """Have a new key sign from now on; what the one before signed holds."""
        return SigningKeyValue.of(await desk.rotate(caller_of(request)))

    @post(
        "/signing/stop",
        operation_id="stopSigning",
        tags=["signing"],
        status_code=204,
        operation=Operation.SIGNING_CHANGE,
    )
    async def stop_signing(request: ApiRequest) -> None:
        """Have the registry sign nothing any more; what was signed holds."""
        await desk.end(caller_of(request))

    return [list_signing_keys, show_signing_status, begin_signing, rotate_signing_key, stop_signing]
