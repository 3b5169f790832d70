"""From the answers of other registries to the one error tree: by their error code first, by their status otherwise."""

import msgspec

from orlop.adapters.tls import hint, wants_tls
from orlop.adapters.upstream.transport import Answer
from orlop.domain import errors
from orlop.domain.errors import RegistryError
from orlop.ports.upstream import UpstreamError


class _Entry(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Body(msgspec.Struct):
    errors: list[_Entry] = []


_decoder = msgspec.json.Decoder(_Body)

#: distribution-spec, "Error Codes", and what registries in use send beside it.
_BY_CODE: dict[str, type[RegistryError]] = {
    "BLOB_UNKNOWN": errors.BlobUnknown,
    "BLOB_UPLOAD_INVALID": errors.BlobUploadInvalid,
    "BLOB_UPLOAD_UNKNOWN": errors.BlobUploadUnknown,
    "DIGEST_INVALID": errors.DigestInvalid,
    "MANIFEST_BLOB_UNKNOWN": errors.ManifestBlobUnknown,
    "MANIFEST_INVALID": errors.ManifestInvalid,
    "MANIFEST_UNVERIFIED": errors.ManifestInvalid,
    "MANIFEST_UNKNOWN": errors.ManifestUnknown,
    "NAME_INVALID": errors.NameInvalid,
    "NAME_UNKNOWN": errors.NameUnknown,
    "SIZE_INVALID": errors.SizeInvalid,
    "TAG_INVALID": errors.TagInvalid,
    "UNAUTHORIZED": errors.Unauthorized,
    "DENIED": errors.Denied,
    "UNSUPPORTED": errors.Unsupported,
}


#: For answers without a word, such as those to HEAD.
_WORDS = {404: "the registry does not have it"}


def words_of(answer: Answer) -> str:
    """What a registry says of a failure, or what can be said of its answer."""
    _, said = _first(answer.body)
    return said or _WORDS.get(answer.status) or f"the registry answered {answer.status} {answer.reason}".rstrip()


def error_of(answer: Answer, what: str, missing: type[RegistryError]) -> RegistryError:
    """The error that `answer` to asking for `what` stands for; `missing` is what a bare 404 means here."""
    if answer.url.scheme == "http" and wants_tls(answer.status, answer.body):
        return UpstreamError(f"{what}: {hint(answer.advice.tls)}")
    code, _ = _first(answer.body)
    message = f"{what}: {words_of(answer)}"
    match answer.status:
        case 401:
            return errors.Unauthorized(f"{message.removesuffix('; sign in')}; {sign_in(answer, answer.url.authority)}")
        case 403:
            return errors.Denied(message)
        case 404:
            found = _BY_CODE.get(code, missing)
            return found(message)
        case 405 | 501:
            return errors.Unsupported(message)
        case 429:
            return errors.TooManyRequests(message, retry_after=round(answer.retry_after or 1))
        case status if status >= 500:
            return errors.Unavailable(message, retry_after=round(answer.retry_after or 5))
        case _:
            return _BY_CODE.get(code, UpstreamError)(message)


def sign_in(answer: Answer, registry: str) -> str:
    """How to sign in to the registry that answered so: Orlop says who it is, and takes either command."""
    if answer.advice.sign_in:
        return answer.advice.sign_in
    program = "orlop" if answer.headers.get("server") == "orlop" else "docker"
    registry = "docker.io" if registry == "registry-1.docker.io" else registry
    return f"run {program} login {registry}"


def told(answer: Answer) -> str:
    """What an answer says of its error, fit for a terminal; empty when it says nothing."""
    return _first(answer.body)[1]


def _first(body: bytes) -> tuple[str, str]:
    """Code and message of the first error, fit for a terminal: printable, one line, bounded."""
    try:
        entries = _decoder.decode(body).errors if body else []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ""
    if not entries:
        return "", ""
    text = "".join(c if c.isprintable() else " " for c in entries[0].message[:300])
    return entries[0].code, " ".join(text.split())
