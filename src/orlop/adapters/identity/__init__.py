"""Who somebody is: how credentials are made and checked here, and how others say it."""
