"""OpenID Connect, as a client of providers: discovery, keys, the code flow with PKCE, verified tokens."""

from orlop.adapters.identity.oidc.client import OpenIdClient

__all__ = ["OpenIdClient"]
