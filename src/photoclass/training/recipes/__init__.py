"""Recipes: what is trained, with all hyperparameters. Naming them costs no torch."""
