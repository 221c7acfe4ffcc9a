"""What is kept: the model folder, the one runtime, and the figures that judge it. No torch here."""
