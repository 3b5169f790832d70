"""Who made what is stored: signers, and what their signatures say."""
