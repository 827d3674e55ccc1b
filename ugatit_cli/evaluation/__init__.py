"""How good a model is, in numbers that say how they were measured."""

from __future__ import annotations

from .distances import PaperKid
from .features import FeatureNetwork, extract
from .loading import BUILTIN, load_features
from .measure import Measurement, combined_score, measure
from .protocol import Protocol, Score
from .real_set import RealSet, Settings
from .truths import PairScores

__all__ = [
    "BUILTIN",
    "FeatureNetwork",
    "Measurement",
    "PairScores",
    "PaperKid",
    "Protocol",
    "RealSet",
    "Score",
    "Settings",
    "combined_score",
    "extract",
    "load_features",
    "measure",
]
