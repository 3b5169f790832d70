"""Pages of gates, and of who signed what."""
