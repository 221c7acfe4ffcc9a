"""Training: recipes, learners, the loop, frozen features, experiment tracking. Needs the extra `train`."""
