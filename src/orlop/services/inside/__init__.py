"""What is inside images: what is pushed is queued and read, and told to whoever may pull it."""
