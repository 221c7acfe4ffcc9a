"""Zips of photos, and other archives: what they hold, and what is said of those that cannot be read."""
