"""Weights -> ONNX graphs: kept in the cache for ourselves, or written as a file for others, with proof that they agree."""
