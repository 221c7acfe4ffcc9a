"""What learns: networks from float images to logits."""
