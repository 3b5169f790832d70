"""What needs somebody: gathered for one caller from all that knows of trouble."""
