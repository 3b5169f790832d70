"""How often somebody may ask, in one process and by replicas together; and fair shares of what is scarce."""
