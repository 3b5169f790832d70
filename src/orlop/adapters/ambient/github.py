"""GitHub Actions: a job with the permission `id-token: write` asks its runner for a token.

"OpenID Connect reference", section "Methods for requesting the OIDC token" (GitHub Docs).
"""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from orlop.adapters.ambient.asking import NobodyThere, ask, read
from orlop.ports.ambient import AmbientToken, AmbientUnusable, Surrounding

URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable


class _Answer(msgspec.Struct):
    value: str


async def find(environment: Mapping[str, str], audience: str) -> AmbientToken | None:
    """The token of this job; None outside of GitHub Actions."""
    url, secret = environment.get(URL), environment.get(TOKEN)
    if not url or not secret:
        if environment.get("GITHUB_ACTIONS") == "true":
            raise AmbientUnusable("this job may not ask GitHub for a token; give it `permissions: id-token: write`")
        return None
    joined = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    try:
        status, body, _ = await ask(joined, {"Authorization": f"bearer {secret}"}, proxies=True)
    except NobodyThere as cause:
        raise AmbientUnusable("GitHub's token service cannot be reached") from cause
    if status != 200:
        raise AmbientUnusable(f"GitHub's token service answers with status {status}")
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise AmbientUnusable("GitHub's token service does not answer with a token") from cause
    return read(answer.value, Surrounding.GITHUB, "GitHub's token service")
