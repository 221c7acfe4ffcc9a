"""What to know of photos before training on them."""
