"""Who somebody is and how that is proved, as values: credentials, claims, providers, trusts."""
