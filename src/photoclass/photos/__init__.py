"""Input: tables of photos, decoding, caches, near-duplicates, splits."""
