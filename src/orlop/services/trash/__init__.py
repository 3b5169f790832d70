"""The trash: what was deleted, for those who may see, restore or discard it."""
