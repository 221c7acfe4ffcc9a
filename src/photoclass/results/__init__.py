"""Results of a trained model: predictions, scores, submissions, images, explanations, reports. No torch here."""
