"""How credentials are made and checked: slow hashes of passwords, signatures of tokens."""
