"""Videos without flicker: statistics held over a scene, and frames blended along the motion."""

from __future__ import annotations

from .passes import Translated
from .steadier import Steadier
from .strength import Strength, parse_strength

__all__ = ["Steadier", "Strength", "Translated", "parse_strength"]
