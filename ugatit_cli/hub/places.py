"""Where the program keeps what it cannot make again: the models that the user imported, and what it trusted first."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "UGATIT_DATA"


def data_folder() -> Path:
    """UGATIT_DATA, else the system's place for such things; it need not exist yet."""
    from platformdirs import user_data_path  # here, because looking for the place costs time that --help has not

    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else user_data_path("ugatit", appauthor=False)


def own_models_folder() -> Path:
    """One folder for each model that was imported under a name."""
    return data_folder() / "models"


def first_uses_folder() -> Path:
    """One record for each file of the Hub that was trusted when it was first used."""
    return data_folder() / "first-uses"
