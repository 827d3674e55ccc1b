"""How a number was measured: it goes with the number, and numbers measured in two ways are never compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ..errors import UsageError


@dataclass(frozen=True)
class Protocol:
    """Everything that a KID or FID depends on apart from the model; equal protocols make numbers comparable.

    Attributes:
        features: name of the feature network.
        resize: how a picture reaches the size that features are computed at, in words.
        size: side in pixels at which pictures are translated and compared.
        sources, targets: how many pictures were translated, and how many real ones they were compared with.
        pictures: digest of both sets' pixels, sources before targets.
        subset_size, subsets: KID is the mean over so many random subsets of so many pictures.
        seed: of the subsets, of the confidence interval and of the order of the pictures.
    """

    features: str
    resize: str
    size: int
    sources: int
    targets: int
    pictures: str
    subset_size: int
    subsets: int
    seed: int

    def __str__(self) -> str:
        """One line, different for different protocols."""
        sets = f"{self.sources} translated against {self.targets} real pictures ({self.pictures})"
        kid = f"KID over {self.subsets} x {self.subset_size}, seed {self.seed}"
        return f"{self.features}: {sets}, squeezed to {self.size} px, {self.resize}, {kid}"


@dataclass(frozen=True)
class Score:
    """One number by which models are ranked, lower is better, with the protocol it was measured by, as text."""

    value: float
    protocol: str

    def better_than(self, other: Self) -> bool:
        """Whether this is the better one.

        Raises:
            UsageError: they were measured by different protocols.
        """
        if self.protocol != other.protocol:
            raise UsageError(
                f"two numbers of different protocols cannot be compared: one is [{self.protocol}], the other [{other.protocol}]",
                hint="measure both with the same pictures, --size, --features and --seed",
                name="protocols-differ",
            )
        return self.value < other.value
