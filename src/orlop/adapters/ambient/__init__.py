"""Where a program runs, and what that place vouches for: one file for each kind of place."""
