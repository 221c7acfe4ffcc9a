"""Experiment tracking: the same run recorded for TensorBoard and MLflow."""
