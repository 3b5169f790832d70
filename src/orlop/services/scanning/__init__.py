"""What other scanners say of images: asking them, keeping what they say, and telling it."""
