"""What waits in quarantine: what holds it, who lets it out."""
