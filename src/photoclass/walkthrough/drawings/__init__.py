"""Labelled pictures of cats and dogs, drawn by code."""
