"""Metrics and their uncertainty, in NumPy alone: each takes arrays and knows nothing of files or models."""
