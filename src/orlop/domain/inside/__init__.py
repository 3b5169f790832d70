"""What is inside images: packages, where they come from, and what is known of them."""
