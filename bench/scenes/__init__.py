"""What the servers hold before anything is measured: one content, written in the form of each server's storage."""
