"""The OCI distribution API, `/v2`, as an ASGI application of its own: nothing below this package knows HTTP."""
