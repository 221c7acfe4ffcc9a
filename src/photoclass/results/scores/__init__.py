"""Scores: how good a model is on labelled photos, with confidence intervals."""
