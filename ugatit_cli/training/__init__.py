"""Training: two unpaired folders in, weights that translate out."""
