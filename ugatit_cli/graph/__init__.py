"""A generator as an ONNX graph: how ours is written, what any graph says of itself, and whether it may be run. No torch."""
