"""Released optimizers as competitors of ours, on the same offers and the same requests."""
