"""What is pushed and not let out yet."""
