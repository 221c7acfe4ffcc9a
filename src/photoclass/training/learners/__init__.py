"""How each recipe trains, from labelled photos to a model folder."""
