"""Drivers of those who say who somebody is, and of what secrets are made of."""
