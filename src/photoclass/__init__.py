"""photoclass."""
