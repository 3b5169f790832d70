"""Pages of promotions: what stands in which stage, what waits, and what became of it."""
