"""The built-in features: 272 hand-made statistics of a picture, the same on every machine, with nothing to download.

They see colours, where they are, edges and texture at four scales, and how sparse those are; they know nothing of
faces or objects, so a number measured with them is never one measured with Inception. `docs/evaluation.md` describes
every step; a change of any number here needs another NAME.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .features import FeatureNetwork

NAME = "builtin-1"
SIDE = 256  # pictures of another size are resized, antialiased
SCALES = 4  # 256, 128, 64 and 32 pixels
GRID = 4  # colours are pooled over 4x4 fields,
COARSE_GRID = 2  # edges over 2x2, as they move about more
NODES = 4  # of the colour histogram, per channel
EDGE_GAIN = 50.0  # log(1 + 50 e): edges of 1/50 of the range from black to white are neither lost nor everything
SCALE = 0.5  # keeps x.y / 272 near 0.3, where KID's cubic kernel is not yet ruled by a few unusual pictures
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


class Norm(NamedTuple):
    """A group's fixed normalisation, SCALE (value - centre) / spread, both measured once on photographs and drawings."""

    centre: float
    spread: float


MEAN_NORMS = (Norm(0.65, 0.25), Norm(0.03, 0.15), Norm(0.0, 0.18))  # of light, red-green and yellow-blue
SPREAD_NORMS = (Norm(0.14, 0.09), Norm(0.09, 0.09), Norm(0.10, 0.09))
HISTOGRAM_NORM = Norm(0.06, 0.11)
EDGE_NORMS = (Norm(0.33, 0.12), Norm(0.48, 0.16), Norm(0.69, 0.22), Norm(0.91, 0.27))  # by scale, finest first
COLOUR_EDGE_NORMS = (Norm(0.31, 0.17), Norm(0.45, 0.24), Norm(0.67, 0.34), Norm(0.92, 0.44))
SPARSENESS_NORMS = (Norm(2.4, 0.45), Norm(2.0, 0.35), Norm(1.65, 0.27), Norm(1.33, 0.22))


class BuiltinFeatures(FeatureNetwork):
    """uint8 (B, 3, H, W) -> float32 (B, 272)."""

    name = NAME
    resize = f"features at {SIDE} px (bilinear, antialiased)"
    num_features = 272

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor(BINOMIAL)
        derivative, smooth = torch.tensor([-0.5, 0.0, 0.5]), torch.tensor([0.25, 0.5, 0.25])
        slopes = torch.stack([torch.outer(smooth, derivative), torch.outer(derivative, smooth)])
        self.blur: Tensor
        self.slopes: Tensor
        self.register_buffer("blur", torch.outer(taps, taps).expand(3, 1, 5, 5).contiguous())
        self.register_buffer("slopes", slopes.repeat(3, 1, 1).unsqueeze(1))  # 6 1 3 3: across, down for each channel

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        colours = pictures.to(self.blur.device).float() / 255
        if colours.shape[-2:] != (SIDE, SIDE):
            colours = F.interpolate(colours, (SIDE, SIDE), mode="bilinear", antialias=True)
        opponents = _opponents(colours)
        parts = [*_layout(opponents), _normalised(_histogram(colours), HISTOGRAM_NORM)]
        return torch.cat([part.flatten(1) for part in (*parts, *self._texture(opponents))], dim=1)

    def _texture(self, level: Tensor) -> Iterator[Tensor]:
        """Edges of each scale: in light by direction, in both colours by strength, and how sparse those in light are."""
        for scale in range(SCALES):
            across, down = self._slopes(level)  # B 3 h w each
            directions = _directions(across[:, 0], down[:, 0])  # B 4 h w
            yield _normalised(_edge_strength(directions), EDGE_NORMS[scale])
            yield _normalised(_edge_strength(torch.hypot(across, down)[:, 1:]), COLOUR_EDGE_NORMS[scale])
            yield _normalised(_sparseness(directions), SPARSENESS_NORMS[scale])
            level = F.conv2d(F.pad(level, (2, 2, 2, 2), mode="reflect"), self.blur, stride=2, groups=3)

    def _slopes(self, level: Tensor) -> tuple[Tensor, Tensor]:
        slopes = F.conv2d(F.pad(level, (1, 1, 1, 1), mode="replicate"), self.slopes, groups=3)
        return slopes[:, 0::2], slopes[:, 1::2]


def _opponents(colours: Tensor) -> Tensor:
    """Red, green, blue in [0, 1] -> light in [0, 1], red-green and yellow-blue in [-1, 1]."""
    red, green, blue = colours.unbind(1)
    return torch.stack([(red + green + blue) / 3, red - green, (red + green) / 2 - blue], dim=1)


def _layout(opponents: Tensor) -> Iterator[Tensor]:
    """Mean and standard deviation of each channel in each of 4x4 fields."""
    fields = _fields(opponents, GRID)
    mean, spread = fields.mean(dim=(3, 5)), fields.var(dim=(3, 5), correction=0).sqrt()  # B 3 4 4
    for channel in range(3):
        yield _normalised(mean[:, channel], MEAN_NORMS[channel])
    for channel in range(3):
        yield _normalised(spread[:, channel], SPREAD_NORMS[channel])


def _fields(planes: Tensor, grid: int) -> Tensor:
    """B C H W -> B C grid H/grid grid W/grid: a mean over dimensions 3 and 5 is one over each field.

    Torch's pooling adds up one number after the other, which leaves 10 times more rounding than its mean.
    """
    batch, channels, height, width = planes.shape
    return planes.reshape(batch, channels, grid, height // grid, grid, width // grid)


def _histogram(colours: Tensor) -> Tensor:
    """Square root of the share of the picture at each of 4x4x4 nodes of the colour cube, shared out linearly between them."""
    nodes = torch.arange(NODES, device=colours.device).view(1, NODES, 1)
    red, green, blue = (
        (1 - (colours[:, channel].flatten(1).unsqueeze(1) * (NODES - 1) - nodes).abs()).clamp(min=0)
        for channel in range(3)
    )  # B 4 HW each
    both = (red.unsqueeze(2) * green.unsqueeze(1)).flatten(1, 2)  # B 16 HW
    shares = both.double() @ blue.double().transpose(1, 2) / blue.shape[-1]  # a sum of 65,536 terms, B 16 4
    return shares.sqrt().float()


def _directions(across: Tensor, down: Tensor) -> Tensor:
    """B h w each -> B 4 h w: the slope's size along 0, 90, 45 and 135 degrees."""
    diagonal = 0.5**0.5
    return torch.stack([across, down, (across + down) * diagonal, (across - down) * diagonal], dim=1).abs()


def _edge_strength(sizes: Tensor) -> Tensor:
    return (_fields(sizes, COARSE_GRID).mean(dim=(3, 5)) * EDGE_GAIN).log1p()


def _sparseness(sizes: Tensor) -> Tensor:
    """Standard deviation over mean: large for a few hard edges, about 0.75 for noise, 0 for an even slope."""
    mean, square = sizes.mean(dim=(2, 3)), sizes.square().mean(dim=(2, 3))
    return ((square - mean.square()).clamp(min=0).sqrt() / (mean + 1 / 255)).clamp(max=8.0)


def _normalised(values: Tensor, norm: Norm) -> Tensor:
    return (values - norm.centre) * (SCALE / norm.spread)
