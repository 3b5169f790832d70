"""What the registry does, a folder for each capability: plain values and async byte iterators in and out."""
