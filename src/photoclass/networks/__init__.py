"""Neural networks: the small CNN, the residual network, and pretrained backbones."""
