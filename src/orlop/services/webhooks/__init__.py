"""Webhooks: events become deliveries, deliveries are sent, and people see what became of them."""
