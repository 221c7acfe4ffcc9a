"""Pretrained backbones: EfficientNet-Lite from its published weights, or any network from an ONNX file."""
