"""VEX: documents that refer to images are read, and what they say counts where a rule trusts them."""
