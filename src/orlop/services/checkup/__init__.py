"""Whether what a registry stands on will carry it."""
