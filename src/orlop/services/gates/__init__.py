"""Gates: who is held back by them, and why."""
