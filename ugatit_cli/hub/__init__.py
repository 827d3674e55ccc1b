"""From a model's name to a verified file on this machine: bundled, imported, or fetched from the Hub once."""

from __future__ import annotations

from .fetching import FOLDER_WEIGHTS
from .hub_file import HubFile
from .names import BY_HUB, BY_NAME, interpret, label, parse_hub_file
from .places import own_models_folder
from .registry import DEFAULT_MODEL, OWN_ROW, RegistryEntry, models_folder, read_registry
from .resolving import ResolvedModel, known_models, resolve
from .watching import Watcher

__all__ = [
    "BY_HUB",
    "BY_NAME",
    "DEFAULT_MODEL",
    "FOLDER_WEIGHTS",
    "OWN_ROW",
    "HubFile",
    "RegistryEntry",
    "ResolvedModel",
    "Watcher",
    "interpret",
    "known_models",
    "label",
    "models_folder",
    "own_models_folder",
    "parse_hub_file",
    "read_registry",
    "resolve",
]
