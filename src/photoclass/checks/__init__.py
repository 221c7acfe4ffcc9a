"""What to know about photos before training on them."""
