"""Who made what is stored."""
