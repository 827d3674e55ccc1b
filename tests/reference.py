"""U-GAT-IT written down plainly (arXiv 1907.10830): the yardstick for `ugatit_cli/network.py`.

Every operation of the paper stands here by itself, in the paper's order, on the whole feature map;
nothing is folded, reordered or shared, and speed is no concern. The tests hold it against the golden
numbers of the official code and hold our network against it; `benchmarks/generator.py` times both.
The parameters bear our network's names, so one state dict loads into either.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ugatit_cli.config import GeneratorConfig

EPSILON = 1e-5

Result = tuple[Tensor, Tensor, Tensor]


def layer_instance_norm(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, *, correction: int) -> Tensor:
    """Equation 1: both normalisations in full, mixed by rho; x B C H W, the others 1 or B, C, 1, 1.

    Variances are divided by n - `correction`.
    """
    instance_mean = torch.mean(x, dim=(2, 3), keepdim=True)
    instance_variance = torch.var(x, dim=(2, 3), keepdim=True, correction=correction)
    by_instance = (x - instance_mean) / torch.sqrt(instance_variance + EPSILON)
    layer_mean = torch.mean(x, dim=(1, 2, 3), keepdim=True)
    layer_variance = torch.var(x, dim=(1, 2, 3), keepdim=True, correction=correction)
    by_layer = (x - layer_mean) / torch.sqrt(layer_variance + EPSILON)
    mixed = rho * by_instance + (1 - rho) * by_layer
    return mixed * gamma + beta


def per_channel(values: Tensor) -> Tensor:
    """C -> 1 C 1 1, or B C -> B C 1 1."""
    return values.reshape(-1, values.shape[-1], 1, 1)


class PlainInstanceNorm(nn.Module):
    """Per sample and channel, biased variance."""

    def __init__(self, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels)) if config.affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if config.affine else None

    def forward(self, x: Tensor) -> Tensor:
        x = F.instance_norm(x, eps=EPSILON)
        if self.gamma is None or self.beta is None:
            return x
        return x * per_channel(self.gamma) + per_channel(self.beta)


class PlainAdaLIN(nn.Module):
    def __init__(self, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.correction = int(config.unbiased)
        self.rho = nn.Parameter(torch.full((channels,), 0.9))

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        scale, shift = per_channel(gamma), per_channel(beta)
        return layer_instance_norm(x, per_channel(self.rho), scale, shift, correction=self.correction)


class PlainLIN(nn.Module):
    def __init__(self, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.correction = int(config.unbiased)
        self.rho = nn.Parameter(torch.zeros(channels))
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = per_channel(self.gamma), per_channel(self.beta)
        return layer_instance_norm(x, per_channel(self.rho), scale, shift, correction=self.correction)


class PlainResidualBlock(nn.Module):
    def __init__(self, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, bias=False)
        self.norm1 = PlainInstanceNorm(channels, config)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=False)
        self.norm2 = PlainInstanceNorm(channels, config)

    def forward(self, x: Tensor) -> Tensor:
        y = F.pad(x, (1, 1, 1, 1), mode="reflect")
        y = self.conv1(y)
        y = self.norm1(y)
        y = F.relu(y)
        y = F.pad(y, (1, 1, 1, 1), mode="reflect")
        y = self.conv2(y)
        y = self.norm2(y)
        result: Tensor = x + y
        return result


class PlainAdaLINBlock(nn.Module):
    def __init__(self, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, bias=config.affine)
        self.norm1 = PlainAdaLIN(channels, config)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=config.affine)
        self.norm2 = PlainAdaLIN(channels, config)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = F.pad(x, (1, 1, 1, 1), mode="reflect")
        y = self.conv1(y)
        y = self.norm1(y, gamma, beta)
        y = F.relu(y)
        y = F.pad(y, (1, 1, 1, 1), mode="reflect")
        y = self.conv2(y)
        y = self.norm2(y, gamma, beta)
        result: Tensor = x + y
        return result


class PlainUpBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, bias=config.affine)
        self.norm = PlainLIN(channels_out, config)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        x = self.conv(x)
        x = self.norm(x)
        return F.relu(x)


def spectrally_normalised(layer: PlainSpectralConv2d | PlainSpectralLinear) -> Tensor:
    """The weight over its estimated largest singular value u . (W v); in training after one power iteration."""
    matrix = layer.weight.flatten(1)
    if layer.training:
        with torch.no_grad():
            layer.v = F.normalize(torch.mv(matrix.t(), layer.u), dim=0)
            layer.u = F.normalize(torch.mv(matrix, layer.v), dim=0)
    sigma = torch.dot(layer.u, torch.mv(matrix, layer.v))
    normalised: Tensor = layer.weight / sigma
    return normalised


class PlainSpectralConv2d(nn.Conv2d):
    def __init__(self, channels_in: int, channels_out: int, stride: int, *, bias: bool = True) -> None:
        super().__init__(channels_in, channels_out, 4, stride, bias=bias)
        self.u: Tensor
        self.v: Tensor
        self.register_buffer("u", F.normalize(torch.randn(channels_out), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(channels_in * 16), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, spectrally_normalised(self), self.bias, self.stride)


class PlainSpectralLinear(nn.Linear):
    def __init__(self, features_in: int, features_out: int) -> None:
        super().__init__(features_in, features_out, bias=False)
        self.u: Tensor
        self.v: Tensor
        self.register_buffer("u", F.normalize(torch.randn(features_out), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(features_in), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, spectrally_normalised(self))


class PlainCAM(nn.Module):
    """Two pooled classifiers; the map scaled by either one's weights; both halves merged (section 2.1.1).

    In a discriminator the classifiers are spectrally normalised, but the map is scaled by their weights as
    they are learned: the paper does not say so, the official code does it. With `affine`, what scales the map is
    learned by itself, once for both halves.
    """

    def __init__(self, channels: int, *, spectral: bool = False, affine: bool = False) -> None:
        super().__init__()
        self.average_fc = PlainSpectralLinear(channels, 1) if spectral else nn.Linear(channels, 1, bias=affine)
        self.max_fc = PlainSpectralLinear(channels, 1) if spectral else nn.Linear(channels, 1, bias=affine)
        self.scale = nn.Parameter(torch.ones(channels)) if affine else None
        self.merge = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        average_pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)  # B C
        max_pooled = F.adaptive_max_pool2d(x, 1).flatten(1)  # B C
        logits = torch.cat([self.average_fc(average_pooled), self.max_fc(max_pooled)], dim=1)  # B 2
        by_average = x * per_channel(self.average_fc.weight if self.scale is None else self.scale)
        by_max = x * per_channel(self.max_fc.weight if self.scale is None else self.scale)
        both = torch.cat([by_average, by_max], dim=1)  # B 2C H W
        return self.merge(both), logits


class PlainGenerator(nn.Module):
    """The generator of table 5. Always gives image B 3 H W, CAM logits B 2 and heat-map B 1 H/4 W/4."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.light = config.variant == "light"
        channels, width, bias = config.channels, 4 * config.channels, config.affine
        seen = width if self.light else width * (config.image_size // 4) ** 2
        self.stem = nn.Conv2d(3, channels, 7, bias=False)
        self.stem_norm = PlainInstanceNorm(channels, config)
        self.downs = nn.ModuleList(
            [
                nn.Conv2d(channels, 2 * channels, 3, stride=2, bias=False),
                nn.Conv2d(2 * channels, width, 3, stride=2, bias=False),
            ]
        )
        self.down_norms = nn.ModuleList([PlainInstanceNorm(2 * channels, config), PlainInstanceNorm(width, config)])
        self.encoder_blocks = nn.ModuleList(PlainResidualBlock(width, config) for _ in range(config.blocks))
        self.cam = PlainCAM(width, affine=bias)
        self.mlp = nn.Sequential(
            nn.Linear(seen, width, bias=bias), nn.ReLU(), nn.Linear(width, width, bias=bias), nn.ReLU()
        )
        self.gamma = nn.Linear(width, width, bias=bias)
        self.beta = nn.Linear(width, width, bias=bias)
        self.decoder_blocks = nn.ModuleList(PlainAdaLINBlock(width, config) for _ in range(config.blocks))
        self.ups = nn.ModuleList(
            [PlainUpBlock(width, 2 * channels, config), PlainUpBlock(2 * channels, channels, config)]
        )
        self.head = nn.Conv2d(channels, 3, 7, bias=bias)

    def forward(self, x: Tensor) -> Result:
        x = F.pad(x, (3, 3, 3, 3), mode="reflect")
        x = F.relu(self.stem_norm(self.stem(x)))
        for down, norm in zip(self.downs, self.down_norms, strict=True):
            x = F.pad(x, (1, 1, 1, 1), mode="reflect")
            x = F.relu(norm(down(x)))
        for block in self.encoder_blocks:
            x = block(x)
        x, cam_logits = self.cam(x)
        x = F.relu(x)
        heatmap = torch.sum(x, dim=1, keepdim=True)
        pooled = F.adaptive_avg_pool2d(x, 1).flatten(1) if self.light else x.flatten(1)
        style = self.mlp(pooled)
        gamma, beta = self.gamma(style), self.beta(style)
        for block in self.decoder_blocks:
            x = block(x, gamma, beta)
        for up in self.ups:
            x = up(x)
        x = F.pad(x, (3, 3, 3, 3), mode="reflect")
        return torch.tanh(self.head(x)), cam_logits, heatmap


class PlainDiscriminator(nn.Module):
    """The discriminator of table 6. Always gives score B 1 h w, CAM logits B 2 and heat-map B 1 h+1 w+1."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([PlainSpectralConv2d(3, channels, stride=2)])
        width = channels
        for _ in range(layers - 3):
            self.convs.append(PlainSpectralConv2d(width, 2 * width, stride=2))
            width = 2 * width
        self.convs.append(PlainSpectralConv2d(width, 2 * width, stride=1))
        width = 2 * width
        self.cam = PlainCAM(width, spectral=True)
        self.head = PlainSpectralConv2d(width, 1, stride=1, bias=False)

    def forward(self, x: Tensor) -> Result:
        for convolution in self.convs:
            x = F.pad(x, (1, 1, 1, 1), mode="reflect")
            x = F.leaky_relu(convolution(x), 0.2)
        x, cam_logits = self.cam(x)
        x = F.leaky_relu(x, 0.2)
        heatmap = torch.sum(x, dim=1, keepdim=True)
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return self.head(x), cam_logits, heatmap
