"""Google Cloud: a machine, pod or function asks its metadata server for an identity token of its service account.

"Verifying the identity of instances" (Google Cloud documentation): the header `Metadata-Flavor: Google` goes with the
question and comes with the answer, so that neither is mistaken for another.
"""

from collections.abc import Mapping
from urllib.parse import quote

from orlop.adapters.ambient.asking import NobodyThere, ask, read
from orlop.ports.ambient import AmbientToken, AmbientUnusable, Surrounding

#: Names another metadata server, as Google's own libraries have it.
HOST = "GCE_METADATA_HOST"
_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"
#: The server is on the same machine; elsewhere nobody should wait for it.
_SECONDS = 2.0


async def find(environment: Mapping[str, str], audience: str) -> AmbientToken | None:
    """The token of this machine's service account; None where no metadata server of Google's is."""
    host = environment.get(HOST) or "metadata.google.internal"
    url = f"http://{host}{_PATH}?audience={quote(audience, safe='')}&format=full"
    try:
        status, body, flavor = await ask(url, {"Metadata-Flavor": "Google"}, proxies=False, seconds=_SECONDS)
    except NobodyThere:
        return None
    if flavor != "Google":
        return None
    if status != 200:
        raise AmbientUnusable(f"Google's metadata server answers with status {status}; has the machine an account?")
    return read(body.decode("ascii", "replace"), Surrounding.GOOGLE, "Google's metadata server")
