"""What goes in: tables of photos, decoding, the pixel cache, splits."""
