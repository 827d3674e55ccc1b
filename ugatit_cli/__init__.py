"""Unpaired image-to-image translation with U-GAT-IT, on the command line."""

__version__ = "0.1.0"
