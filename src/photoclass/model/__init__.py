"""The model folder, its runtime and its model card. No torch here."""
