"""Recipes: what can be trained, each with its settings. Naming them costs no torch."""
