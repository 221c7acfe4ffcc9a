"""Frozen backbones: features computed once, and the linear head fitted on them."""
