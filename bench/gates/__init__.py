"""What gates cost."""
