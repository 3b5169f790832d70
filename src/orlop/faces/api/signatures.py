"""The end point about signatures of images."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.names import RepositoryName, parse_reference
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.services.management.operations import Operation
from orlop.services.trust.signatures import ImageSignature, ImageSignatures, SignatureReport, SignerStanding


class SignerValue(msgspec.Struct, frozen=True):
    """Signers as a setting: at which place, `` the registry, and its name."""

    at: str
    name: str


class SignatureValue(msgspec.Struct, frozen=True):
    """A signature or attestation. `artifact`: the digest of the manifest that it stands in; `tag`: under which one that
    is found, where no list of referrers has it; `form`: `simple`, `envelope`, `bundle`, `jws` or `cose`; `subject`: the
    digest that it signs, that of the image or of an index that lists it; `signers`: those who made it, and `who`: as
    whom; `predicate`: what an attestation is of; `problem`: why it does not count for some or all."""

    artifact: str
    tag: str
    form: str
    subject: str
    signers: list[SignerValue]
    who: str
    predicate: str
    problem: str

    @classmethod
    def of(cls, one: ImageSignature) -> "SignatureValue":
        signers = [SignerValue(path, name) for path, name in one.signers]
        return cls(one.artifact, one.tag, one.form.value, one.subject, signers, one.who, one.predicate, one.problem)


class SignerStandingValue(msgspec.Struct, frozen=True):
    """Signers that are known at the image's place. `signed`: by how many of their keys, identities and subjects it is
    signed or attested, `required`: by how many it has to be."""

    at: str
    name: str
    required: int
    signed: int
    satisfied: bool

    @classmethod
    def of(cls, one: SignerStanding) -> "SignerStandingValue":
        return cls(one.path, one.name, one.required, one.signed, one.is_satisfied)


class ImageSignaturesValue(msgspec.Struct, frozen=True):
    """Who signed an image. `more`: it has more signatures than are looked at."""

    repository: str
    digest: str
    signatures: list[SignatureValue]
    signers: list[SignerStandingValue]
    more: bool

    @classmethod
    def of(cls, found: SignatureReport) -> "ImageSignaturesValue":
        return cls(
            found.repository,
            found.digest,
            [SignatureValue.of(one) for one in found.signatures],
            [SignerStandingValue.of(one) for one in found.signers],
            found.more,
        )


def signatures(service: ImageSignatures) -> list[HTTPRouteHandler]:
    """`/image-signatures`."""

    @get("/image-signatures", operation_id="listImageSignatures", tags=["images"], operation=Operation.IMAGE_READ)
    async def list_image_signatures(
        request: ApiRequest,
        repository: Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")],
        reference: Annotated[
            str, QueryParameter(name="reference", max_length=160, description="The image: its tag or digest.")
        ],
    ) -> ImageSignaturesValue:
        """Who signed an image: its signatures and attestations, and what they are worth at its place."""
        found = await service.of(caller_of(request), RepositoryName(repository), parse_reference(reference))
        return ImageSignaturesValue.of(found)

    return [list_image_signatures]
