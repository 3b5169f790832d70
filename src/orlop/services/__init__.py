"""What the registry does, one file per capability: plain values and async byte iterators in and out."""
