"""A model as a folder that can be kept, named and passed on: weights or graph, card, and for others a sample sheet."""
