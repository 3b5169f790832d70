"""The keys of the bucket, there and back."""

import uuid

import pytest

from orlop.adapters.s3.keys import Keys, upload_of_copy
from orlop.domain.blob import BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown

UPLOAD = str(uuid.UUID(int=0x1F << 96))
KEY = BlobKey(digest_of(b"content"), UPLOAD.replace("-", ""))


@pytest.mark.parametrize("prefix", ["", "a", "a/b"])
@pytest.mark.parametrize("key", [KEY, BlobKey(digest_of(b"content", "sha512"), KEY.copy)], ids=["sha256", "sha512"])
def test_a_copy_is_found_by_its_key(prefix: str, key: BlobKey) -> None:
    keys = Keys(prefix)
    assert keys.copy_of(keys.copy(key)) == key
    assert keys.upload_of(keys.stage(UPLOAD) + "writer/00000") == UPLOAD
    assert upload_of_copy(key.copy) == UPLOAD
    assert not keys.marker.startswith("/")


def test_other_objects_are_no_copies() -> None:
    keys = Keys("a")
    right = keys.copy(KEY)
    for wrong in (right + "x", right + "/x", right[:-1], right[1:], right.replace("sha256", "md5"), "a/blobs/", "b"):
        assert keys.copy_of(wrong) is None
        assert keys.upload_of(wrong) is None
    assert keys.upload_of("a/stages/") is None
    assert keys.upload_of("a/stages/..%2f/x") is None


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "é", "x" * 65])
def test_no_key_leaves_its_prefix(name: str) -> None:
    with pytest.raises(BlobUploadUnknown):
        Keys("a").stage(name)
    with pytest.raises(ValueError, match="32 hex digits"):
        Keys("a").copy(BlobKey(KEY.digest, name))
