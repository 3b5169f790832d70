"""What signs with a key of a service by a command: within bounds, and whatever it answers is looked at."""

import asyncio
import base64
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from orlop.adapters.attesting.command import ANSWER_MAX, SigningCommand
from orlop.adapters.attesting.signer import CatalogOrCommandSigner
from orlop.domain.errors import Unavailable
from orlop.ports.attesting import AttestationKey
from tests.serving import eventually
from tests.unit.trust.sigstore import new_key

PAYLOAD = b"DSSEv1 what is said"


def script(folder: Path, body: str) -> str:
    """A program as an operator writes one."""
    path = folder / "sign"
    path.write_text(f"#!{sys.executable} -IS\nimport os, sys, time\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def answered(folder: Path, body: str, timeout: float = 20.0) -> bytes:
    return await SigningCommand((script(folder, body),), timeout).sign(PAYLOAD)


async def test_it_gets_what_is_to_be_signed_and_none_of_the_registrys_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORLOP_ADMIN_PASSWORD", "a secret")
    monkeypatch.setenv("KMS_REGION", "here")
    body = "import base64, json; said = sys.stdin.read(), [n for n in os.environ if n.startswith(('ORLOP_', 'KMS_'))]\n"
    said = await answered(tmp_path, body + "print(base64.b64encode(repr(said).encode()).decode())")
    assert said.decode() == repr((PAYLOAD.decode(), ["KMS_REGION"]))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit(3)", "it ended with 3"),
        ("print('no base64 at all!')", "no signature in base64"),
        ("sys.stdout.buffer.write(bytes(range(256)))", "no signature in base64"),
        ("while True: sys.stdout.write('A' * 4096)", f"more than {ANSWER_MAX} bytes"),
        ("os.kill(os.getpid(), 9)", "it ended with -9"),
    ],
)
async def test_what_is_no_signature_is_told_and_not_taken(tmp_path: Path, body: str, why: str) -> None:
    with pytest.raises(Unavailable, match=why):
        await answered(tmp_path, body)


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be started: No such file"):
        await SigningCommand((str(tmp_path / "none"),), 20.0).sign(PAYLOAD)


async def test_one_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    body = f"child = os.fork()\nopen({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(600)"
    with pytest.raises(Unavailable, match="within 1 seconds"):
        await answered(tmp_path, body, 1.0)
    begun = [int(pid) for pid in pids.read_text().split()]
    assert len(begun) == 2
    eventually("both are gone", lambda: not any(_runs(pid) for pid in begun))


def _runs(pid: int) -> bool:
    """Whether a process is there and is no zombie that somebody has to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


async def test_whoever_waits_no_more_leaves_no_program_behind(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    body = f"open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    waiting = asyncio.ensure_future(answered(tmp_path, body, 600.0))
    await asyncio.to_thread(eventually, "it runs", lambda: pid.exists() and bool(pid.read_text()))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not _runs(int(pid.read_text()))


def _key(public: bytes) -> AttestationKey:
    return AttestationKey("sha256:of the command", public, b"", 1)


async def test_a_signature_with_another_key_is_none(tmp_path: Path) -> None:
    ours, theirs = new_key(), new_key()
    signature = theirs.sign(PAYLOAD, ec.ECDSA(hashes.SHA256()))
    body = f"print({base64.b64encode(signature).decode()!r})"
    signer = CatalogOrCommandSigner(SigningCommand((script(tmp_path, body),), 20.0), tmp_path / "key.pub")
    with pytest.raises(Unavailable, match="does not sign with the key sha256:of the command"):
        await signer.sign(_key(pem(ours)), PAYLOAD)
    assert await signer.sign(_key(pem(theirs)), PAYLOAD) == signature


async def test_the_key_of_a_command_is_what_its_file_says(tmp_path: Path) -> None:
    ours, path = new_key(), tmp_path / "key.pub"
    signer = CatalogOrCommandSigner(SigningCommand(("/bin/false",), 20.0), path)
    for content, why in (
        (None, "cannot be read: No such file"),
        (b"no PEM", "holds no public key"),
        (ec.generate_private_key(ec.SECP384R1()), "is not one of ECDSA on P-256"),
    ):
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else pem(content))
        with pytest.raises(Unavailable, match=why):
            await signer.generate(7)
    path.write_bytes(pem(ours))
    made = await signer.generate(7)
    assert (made.public, made.private, made.created_at) == (pem(ours), b"", 7)
    with pytest.raises(Unavailable, match=r"signing\.command is not set"):
        await CatalogOrCommandSigner().sign(made, PAYLOAD)


async def test_a_key_of_the_catalog_is_new_each_time_and_signs_the_same_for_the_same() -> None:
    signer = CatalogOrCommandSigner()
    one, other = await signer.generate(7), await signer.generate(8)
    assert one.id != other.id
    signature = await signer.sign(one, PAYLOAD)
    assert await signer.sign(one, PAYLOAD) == signature
    public = load_pem_public_key(one.public)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, PAYLOAD, ec.ECDSA(hashes.SHA256()))
