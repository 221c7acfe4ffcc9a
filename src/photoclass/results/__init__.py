"""What comes out of a model folder: scores, predictions, submissions, pictures. No torch here."""
