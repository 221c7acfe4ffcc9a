"""A user's ONNX file as a backbone: parsed and checked, its input and output found, wrapped, tried."""
