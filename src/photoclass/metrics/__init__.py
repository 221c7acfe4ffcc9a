"""Classification metrics and their uncertainty, in NumPy alone: arrays in, numbers out; no files, no models."""
