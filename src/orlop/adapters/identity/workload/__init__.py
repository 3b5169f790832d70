"""Those who vouch for workloads: issuers of OpenID Connect tokens, known by their keys; and AWS, asked each time."""
