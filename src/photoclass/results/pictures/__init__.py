"""Images: galleries of photos with their predictions, and training curves."""
