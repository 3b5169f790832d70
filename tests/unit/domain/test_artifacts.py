"""What a manifest is, by its media types."""

import pytest

from orlop.domain import media_types
from orlop.domain.artifacts import attested, is_platform, kind_of, kind_of_type
from orlop.domain.content_kinds import ContentKind
from orlop.domain.descriptor import Descriptor, Platform
from orlop.domain.digest import digest_of
from tests.content import Piece, artifact, blob, image, index

ONE = image("one")
CACHE = Piece("cache", "application/vnd.buildkit.cacheconfig.v0", b"{}")


def test_images_indexes_and_caches() -> None:
    assert kind_of(ONE.manifest) is ContentKind.IMAGE
    assert kind_of(image("none", layers=[]).manifest) is ContentKind.IMAGE
    assert kind_of(index("both", [ONE]).manifest) is ContentKind.INDEX
    assert kind_of(index("cache", [CACHE]).manifest) is ContentKind.CACHE


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/vnd.cncf.helm.config.v1+json", ContentKind.CHART),
        ("application/vnd.cncf.model.manifest.v1+json", ContentKind.MODEL),
        ("application/vnd.dev.cosign.artifact.sig.v1+json", ContentKind.SIGNATURE),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", ContentKind.SIGNATURE),
        ("application/vnd.cncf.notary.signature", ContentKind.SIGNATURE),
        ("application/vnd.in-toto+json", ContentKind.ATTESTATION),
        ("application/vnd.dsse.envelope.v1+json", ContentKind.ATTESTATION),
        ("application/spdx+json", ContentKind.SBOM),
        ("application/vnd.cyclonedx+json", ContentKind.SBOM),
        ("application/vnd.example.thing", ContentKind.OTHER),
        ("", ContentKind.OTHER),
    ],
)
def test_artifacts(media_type: str, kind: ContentKind) -> None:
    assert kind_of_type(media_type) is kind
    if media_type:
        assert kind_of(artifact("any", artifact_type=media_type).manifest) is kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/vnd.dev.cosign.simplesigning.v1+json", ContentKind.SIGNATURE),
        ("application/vnd.in-toto+json", ContentKind.ATTESTATION),
    ],
)
def test_what_has_the_config_of_an_image_and_no_layers_of_one(media_type: str, kind: ContentKind) -> None:
    signed = image("signed", layers=[blob("payload", media_type=media_type)])
    assert kind_of(signed.manifest) is kind
    mixed = image("mixed", layers=["base", blob("payload", media_type=media_type)])
    assert kind_of(mixed.manifest) is ContentKind.IMAGE


def test_an_attestation_is_no_platform() -> None:
    unknown = Platform(os="unknown", architecture="unknown")
    digest = str(digest_of(b"attested"))
    marked = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest}

    def entry(platform: Platform | None, annotations: dict[str, str] | None = None) -> Descriptor:
        return Descriptor(media_types.OCI_MANIFEST, digest, 1, annotations=annotations or {}, platform=platform)

    assert attested(entry(unknown, marked)) == digest
    assert attested(entry(unknown, marked | {"vnd.docker.reference.digest": "../../x"})) is None
    assert attested(entry(unknown)) is None
    assert not is_platform(entry(unknown, marked))
    assert not is_platform(entry(Platform(os="linux", architecture="amd64"), marked))
    assert not is_platform(entry(unknown))
    assert not is_platform(entry(None))
    assert not is_platform(entry(Platform()))
    assert is_platform(entry(Platform(os="linux", architecture="amd64")))
    assert is_platform(entry(Platform(os="unknown", architecture="wasm")))
