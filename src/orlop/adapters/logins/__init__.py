"""Files and programs on a person's machine that keep logins to registries."""
