"""AWS: whoever has credentials signs the question who they are, for one registry, with botocore's own signer.

The credentials are what AWS's tools find: variables, files, web identity, containers, instances. They stay here.
"""

import base64
import time
from collections.abc import Mapping
from typing import Any

from orlop.domain.identity.trusts.questions import QUESTION_PREFIX, SERVER_ID
from orlop.ports.ambient import AmbientToken, AmbientUnusable, Surrounding

#: Seconds for which a question is good; AWS allows 900.
LIFETIME = 600

#: Variables that say that there are credentials of AWS here, before anything is asked.
_SIGNS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def is_likely(environment: Mapping[str, str]) -> bool:
    """Whether the environment speaks of AWS."""
    return any(environment.get(name) for name in _SIGNS)


async def find(environment: Mapping[str, str], audience: str) -> AmbientToken | None:
    """A signed question; None without credentials. botocore looks into the environment of the process itself."""
    from aiobotocore.session import get_session
    from botocore.exceptions import BotoCoreError

    session = get_session()
    try:
        found = await session.get_credentials()
        credentials = await found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as cause:
        raise AmbientUnusable(f"the credentials of AWS cannot be had: {cause}") from cause
    if credentials is None:
        return None
    # AWS_REGION is what Lambda, ECS and the other kits of AWS have; botocore knows only AWS_DEFAULT_REGION.
    region = environment.get("AWS_REGION") or session.get_config_variable("region") or "us-east-1"
    signed_at = int(time.time())
    url = question(credentials, str(region), audience)
    token = QUESTION_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    return AmbientToken(token, Surrounding.AWS, signed_at + LIFETIME)


def question(credentials: Any, region: str, audience: str) -> str:
    """The URL of GetCallerIdentity, signed for one registry."""
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest

    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    request = AWSRequest(
        "GET",
        f"https://sts.{region}.{domain}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={SERVER_ID: audience},
    )
    SigV4QueryAuth(credentials, "sts", region, expires=LIFETIME).add_auth(request)
    return str(request.url)
