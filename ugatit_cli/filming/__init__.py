"""Films through a generator: in segments that survive whatever happens, with everything beside the pictures.

What is named here decides and checks, and starts fast. The work itself, `making.make`, loads what decodes video, so whoever
needs it imports it late.
"""

from __future__ import annotations

from .camera_names import camera_device
from .plan import FilmPlan, plan_film, plan_job
from .settings import FilmSettings

__all__ = ["FilmPlan", "FilmSettings", "camera_device", "plan_film", "plan_job"]
