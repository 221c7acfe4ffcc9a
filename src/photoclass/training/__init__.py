"""Training: recipes, learners, the loop, frozen features, experiment tracking. All but `features` needs torch."""
