"""How it learns: augmentation, the loop, stopping, checkpoints, recipes. Needs the extra `train`."""
