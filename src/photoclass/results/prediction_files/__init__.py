"""Predictions as files: CSV and JSON Lines, written and read."""
