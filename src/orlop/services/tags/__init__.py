"""Tags: on which terms they are set, moved and removed."""
