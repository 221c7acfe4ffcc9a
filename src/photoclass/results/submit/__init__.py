"""Kaggle submissions: the sample's columns and ids, clipped probabilities, the file."""
