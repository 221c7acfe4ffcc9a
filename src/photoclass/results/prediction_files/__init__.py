"""Predictions as files and data frames: one set of columns, written as CSV, JSON Lines, JSON and Parquet."""
