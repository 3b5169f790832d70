"""Who signed an image: which signers of its place are satisfied, and each signature and attestation with what it is
worth, or why it does not count."""

from orlop.domain.names import Reference, RepositoryName
from orlop.domain.settings import place_words
from orlop.domain.trust.signers import SIGNERS
from orlop.faces.ui.addresses import image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.ports.signatures import SignatureForm
from orlop.services.trust.signatures import ImageSignatures

#: How signatures are made, in words.
_FORMS = {
    SignatureForm.SIMPLE: "cosign, as a tag",
    SignatureForm.ENVELOPE: "cosign, an envelope",
    SignatureForm.BUNDLE: "cosign, a bundle",
    SignatureForm.JWS: "Notation, JWS",
    SignatureForm.COSE: "Notation, COSE",
}


class SignaturesTab:
    """See places.ImageTab. Its part `said` is a line for the page of the image, which a script asks for: to verify
    takes a moment the first time."""

    def __init__(self, pages: Pages, signatures: ImageSignatures) -> None:
        self._pages = pages
        self._signatures = signatures

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """What attests something stands for itself, with its type."""
        report = await self._signatures.of(exchange.caller, repository, reference)
        return self._pages.page(
            exchange,
            "gates/signatures",
            parts=("said",),
            repository=repository,
            reference=reference,
            report=report,
            signatures=[one for one in report.signatures if not one.predicate],
            attestations=[one for one in report.signatures if one.predicate],
            forms=_FORMS,
            address=image_address,
            signers_address=lambda name, path: settings_address(SIGNERS.plural, name, path=path),
            place_words=place_words,
        )
