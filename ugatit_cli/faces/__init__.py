"""Faces in a picture: found, turned and scaled to what a model was trained on, translated, and put back into their places."""
