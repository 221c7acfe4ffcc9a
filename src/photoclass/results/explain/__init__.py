"""Heat maps of the regions of a photo that contributed to its class."""
