"""The token server: where clients exchange a password or secret for a short-lived token, and the keys it signs with."""
