"""Exact duplicates and near-duplicates: the same picture re-encoded, resized, mirrored or cropped."""
