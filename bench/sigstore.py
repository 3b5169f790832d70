"""Sigstore's cases for what verifies, put to what judges signatures here: `python -m bench.sigstore FOLDER ROOT`.

FOLDER is a check-out of sigstore/sigstore-conformance, ROOT the `trusted_root.json` of the public instance, for the
cases that bring none of their own. All that `test_verify` of that suite asks is asked; nothing needs a network.
"""

import hashlib
import re
import sys
import time
from pathlib import Path

from orlop.adapters.signatures.judging import Judge
from orlop.domain.trust.material import Unreadable
from orlop.domain.trust.signers import Signers
from orlop.ports.signatures import FoundSignature, NamedSigners, SignatureForm


def main(folder: Path, root: Path) -> int:
    """Print each case that does not end as it should, and how many do."""
    said = (folder / "test/client.py").read_text()
    wanted = re.search(r"CERTIFICATE_IDENTITY = \(([^)]*)\)", said)
    issuer = re.search(r'CERTIFICATE_OIDC_ISSUER = "([^"]*)"', said)
    assert wanted is not None
    assert issuer is not None
    identity = "".join(re.findall(r'"([^"]*)"', wanted[1]))
    assets = folder / "test/assets/bundle-verify"
    cases = sorted(each for each in assets.iterdir() if (each / "bundle.sigstore.json").exists())
    right = 0
    for case in cases:
        told = refusal(case, assets / "a.txt", root, identity, issuer[1])
        if bool(told) is case.name.endswith("fail"):
            right += 1
        else:
            print(f"{case.name}: {told or 'accepted'}")
    print(f"{right} of {len(cases)} cases end as they should")
    return 0 if right == len(cases) else 1


def refusal(case: Path, artifact: Path, root: Path, identity: str, issuer: str) -> str:
    """Why the bundle of a case does not count; empty where it does."""
    own = case / "artifact"
    content = (own if own.exists() else artifact).read_bytes()
    key, roots = case / "key.pub", case / "trusted_root.json"
    trusted = (roots if roots.exists() else root).read_text()
    try:
        if key.exists():
            signers = Signers(keys=(key.read_text(),), trusted_root=trusted if roots.exists() else "")
        else:
            named = (_own(case / "identity", identity),)
            signers = Signers(keyless_issuer=_own(case / "issuer", issuer), identities=named, trusted_root=trusted)
        subject = f"sha256:{hashlib.sha256(content).hexdigest()}"
        judge = Judge([subject], [NamedSigners("wanted", signers)], int(time.time()))
        bundle = (case / "bundle.sigstore.json").read_bytes()
        verdict = judge.judge(FoundSignature(form=SignatureForm.BUNDLE, content=bundle))
    except (Unreadable, ValueError) as cause:
        return str(cause) or type(cause).__name__
    return "" if verdict.makers else verdict.problem


def _own(file: Path, usual: str) -> str:
    return file.read_text().strip() if file.exists() else usual


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
