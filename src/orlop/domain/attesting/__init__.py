"""What the registry itself attests: statements, envelopes, keys and rules for receipts. Nothing signs here."""
