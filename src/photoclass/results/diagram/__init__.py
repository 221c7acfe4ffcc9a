"""The network as a diagram, read from `model.onnx`."""
