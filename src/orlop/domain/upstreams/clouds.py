"""Where the clouds give out the credentials of their registries, by the names of these."""

import re

import msgspec

#: amazon-ecr-credential-helper, `ecr-login/api/client.go`: the hosts of private registries, also of dual stack.
_ECR = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9][a-z0-9-]*)\."
    r"(?P<suffix>amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|"
    r"cloud\.adc-e\.uk|csp\.hci\.ic\.gov)",
    re.ASCII,
)
_ECR_PUBLIC = frozenset({"public.ecr.aws", "ecr-public.aws.com"})
_REGION = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,10}){2,4}", re.ASCII)

#: Microsoft's identity platform by the last words of a registry's host: its host, and what a token is to be good for.
_AZURE = {
    "azurecr.cn": ("login.partner.microsoftonline.cn", "https://management.chinacloudapi.cn"),
    "azurecr.us": ("login.microsoftonline.us", "https://management.usgovcloudapi.net"),
    "azurecr.io": ("login.microsoftonline.com", "https://containerregistry.azure.net"),
}

#: "Using OAuth 2.0 for Server to Server Applications" (Google), section "Making the access token request".
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"


class EcrApi(msgspec.Struct, frozen=True):
    """Where GetAuthorizationToken is asked for, and what SigV4 signs for."""

    url: str
    region: str
    service: str = "ecr"


def is_region(text: str) -> bool:
    """Whether something looks like a region of AWS: `eu-central-1`."""
    return _REGION.fullmatch(text) is not None


def ecr_api(host: str, region: str = "") -> EcrApi | None:
    """The API that gives out passwords for a registry; `region` is that of a host that does not say it. None where
    nobody says it.

    The hosts are those of AWS's endpoint rules for `ecr` and `ecr-public`.
    """
    if host in _ECR_PUBLIC:
        return EcrApi("https://api.ecr-public.us-east-1.amazonaws.com/", "us-east-1", "ecr-public")
    found = _ECR.fullmatch(host)
    if found is None:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return EcrApi(f"https://api.ecr.{region}.{suffix}/", region) if region else None
    fips, region, suffix = found["fips"] or "", found["region"], found["suffix"]
    if suffix.startswith("on."):
        return EcrApi(f"https://ecr{fips}.{region}.api.{suffix.removeprefix('on.')}/", region)
    return EcrApi(f"https://api.ecr{fips}.{region}.{suffix}/", region)


def azure_tokens(host: str, tenant: str) -> str:
    """Where a service principal of a tenant has tokens for a registry."""
    return f"https://{_azure(host)[0]}/{tenant}/oauth2/v2.0/token"


def azure_audience(host: str) -> str:
    """What a token for a registry is to be good for."""
    return _azure(host)[1]


def _azure(host: str) -> tuple[str, str]:
    return next((where for end, where in _AZURE.items() if host.endswith(f".{end}")), _AZURE["azurecr.io"])
