"""Who there is and what they may do, on any engine: one module for each group of roles of ports.identity."""
