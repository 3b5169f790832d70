"""Settings: kept and shown to those who may, and found where they hold."""
