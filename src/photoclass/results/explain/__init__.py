"""Explanations: which part of a photo decided its class, as a heat map."""
