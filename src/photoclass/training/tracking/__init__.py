"""Experiment tracking: the same run is recorded for TensorBoard and MLflow."""
