"""From a model's name to a verified file on this machine: bundled, imported, or fetched from the Hub once."""

from __future__ import annotations

from .names import BY_HUB, BY_NAME, HubFile, interpret, label
from .registry import DEFAULT_MODEL, RegistryEntry, models_folder, read_registry
from .resolving import FOLDER_WEIGHTS, ResolvedModel, known_models, resolve
from .watching import Watcher

__all__ = [
    "BY_HUB",
    "BY_NAME",
    "DEFAULT_MODEL",
    "FOLDER_WEIGHTS",
    "HubFile",
    "RegistryEntry",
    "ResolvedModel",
    "Watcher",
    "interpret",
    "known_models",
    "label",
    "models_folder",
    "read_registry",
    "resolve",
]
