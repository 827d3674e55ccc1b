"""The whole U-GAT-IT network (arXiv 1907.10830): normalisations, attention, generator, discriminator.

Pictures are float tensors B x 3 x H x W in [-1, 1], RGB. The numbers equal those of the official PyTorch code, or, with
the config's switches, TensorFlow code; the way to them is shorter where the algebra allows it, and each place says how.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import GeneratorConfig
from .gradients import Coefficients, Singular, normalise, spectral_convolution

EPSILON = 1e-5
LEAKY_SLOPE = 0.2


class Translation(NamedTuple):
    """What a generator gives: image B x 3 x H x W, CAM logits B x 2 (average, max), heat-map B x 1 x H/4 x W/4."""

    image: Tensor
    cam_logits: Tensor
    heatmap: Tensor | None


class Verdict(NamedTuple):
    """What a discriminator says: score B x 1 x h x w, CAM logits B x 2 (average, max), heat-map B x 1 x h+1 x w+1."""

    score: Tensor
    cam_logits: Tensor
    heatmap: Tensor | None


def _layer_instance_coefficients(correction: int) -> Coefficients:
    """Scale and shift of AdaLIN (equation 1): gamma * (rho * instance + (1 - rho) * layer) + beta.

    The layer's statistics follow from the channels': no second look at the feature map. Both variances are divided by
    n - `correction`: 1 in the official PyTorch code (as in torch.var), 0 in the TensorFlow code.
    """

    def coefficients(mean: Tensor, variance: Tensor, count: int, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        rho, gamma, beta = parameters
        total = count * mean.shape[1]
        layer_mean = mean.mean(dim=1, keepdim=True)
        squares = (count - 1) * variance + count * (mean - layer_mean).square()  # B C
        layer_variance = squares.sum(dim=1, keepdim=True) / (total - correction)
        instance_part = rho * torch.rsqrt(variance * ((count - 1) / (count - correction)) + EPSILON)
        layer_part = (1 - rho) * torch.rsqrt(layer_variance + EPSILON)
        scale = gamma * (instance_part + layer_part)
        shift = beta - gamma * (instance_part * mean + layer_part * layer_mean)
        return scale, shift

    return coefficients


_COEFFICIENTS = _layer_instance_coefficients(0), _layer_instance_coefficients(1)


class AdaLIN(nn.Module):
    """Adaptive layer-instance normalisation: gamma and beta come from outside, per sample (equation 1)."""

    def __init__(self, channels: int, *, unbiased: bool = True) -> None:
        super().__init__()
        self.unbiased = unbiased
        self.rho = nn.Parameter(torch.full((channels,), 0.9))

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """x: B C H W; gamma, beta: B C."""
        return normalise(x, _COEFFICIENTS[self.unbiased], self.rho, gamma, beta)


class LIN(nn.Module):
    """Layer-instance normalisation with learned gamma and beta (the decoder's up-sampling half)."""

    def __init__(self, channels: int, *, unbiased: bool = True) -> None:
        super().__init__()
        self.unbiased = unbiased
        self.rho = nn.Parameter(torch.zeros(channels))
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return normalise(x, _COEFFICIENTS[self.unbiased], self.rho, self.gamma, self.beta)


class InstanceNorm(nn.Module):
    """Instance normalisation, biased variance: one group per channel, torch's fastest form on a CPU.

    Its sums are centred in the contiguous layout only: in channels-last they lose the variance of a bright flat picture.
    """

    def __init__(self, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels)) if affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x.contiguous(), x.shape[1], self.gamma, self.beta, EPSILON)


def _reflect(x: Tensor, width: int) -> Tensor:
    return F.pad(x, (width,) * 4, mode="reflect")


class ReflectConv2d(nn.Conv2d):
    """A convolution over a map whose edges are reflected."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, bias: bool) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(_reflect(x, self.kernel_size[0] // 2), self.weight, self.bias, self.stride)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with instance normalisation around a shortcut."""

    def __init__(self, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.conv1 = ReflectConv2d(channels, channels, 3, bias=False)
        self.norm1 = InstanceNorm(channels, affine=affine)
        self.conv2 = ReflectConv2d(channels, channels, 3, bias=False)
        self.norm2 = InstanceNorm(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        change: Tensor = self.norm2(self.conv2(y))
        return x + change


class AdaLINBlock(nn.Module):
    """Two 3x3 convolutions with AdaLIN around a shortcut."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.conv1 = ReflectConv2d(config.width, config.width, 3, bias=config.affine)
        self.norm1 = AdaLIN(config.width, unbiased=config.unbiased)
        self.conv2 = ReflectConv2d(config.width, config.width, 3, bias=config.affine)
        self.norm2 = AdaLIN(config.width, unbiased=config.unbiased)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x), gamma, beta), inplace=True)
        change: Tensor = self.norm2(self.conv2(y), gamma, beta)
        return x + change


class UpBlock(nn.Module):
    """Nearest up-sampling by two, 3x3 convolution, LIN, ReLU.

    On an up-sampled map a 3x3 kernel meets each source pixel up to twice, so the pair equals one
    transposed 4x4 convolution with stride 2 on the small map: 16 instead of 36 products per source
    pixel. Reflection padding of the large map repeats its edge, which is edge padding of the small one.
    """

    def __init__(self, config: GeneratorConfig, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels_out, channels_out, 3, bias=config.affine)
        self.norm = LIN(channels_out, unbiased=config.unbiased)

    def forward(self, x: Tensor) -> Tensor:
        kernel = _spread(_spread(self.conv.weight, 2), 3).transpose(0, 1)  # in out 4 4
        x = _repeat_edge(_repeat_edge(x, 2), 3)
        x = F.conv_transpose2d(x, kernel, self.conv.bias, stride=2, padding=3)  # B C 2H 2W
        x = self.norm(x)
        return F.relu(x, inplace=True)


def _repeat_edge(x: Tensor, dim: int) -> Tensor:
    """As F.pad(mode="replicate") by one, whose backward pass torch.compile does not get right."""
    return torch.cat([x.narrow(dim, 0, 1), x, x.narrow(dim, x.shape[dim] - 1, 1)], dim)


def _spread(weight: Tensor, dim: int) -> Tensor:
    """Three taps on the up-sampled map -> what each of the four outputs around a source pixel takes of it."""
    first, middle, last = weight.unbind(dim)
    return torch.stack([last, middle + last, first + middle, first], dim)


class SpectralConv2d(nn.Conv2d):
    """A convolution under spectral normalisation, its vectors u and v stored beside the weight."""

    u: Tensor
    v: Tensor

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, bias: bool = True) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, bias=bias)
        _add_singular_vectors(self)

    def forward(self, x: Tensor, passes: int = 1) -> Tensor:
        """x: `passes` batches in one, each normalised as if it came in a call of its own."""
        y = spectral_convolution(x, self.weight, _singular_vectors(self, passes), self.stride[0])
        return y if self.bias is None else y.add_(self.bias[:, None, None])


class SpectralLinear(nn.Linear):
    """A linear layer without bias under spectral normalisation."""

    u: Tensor
    v: Tensor

    def __init__(self, features_in: int, features_out: int) -> None:
        super().__init__(features_in, features_out, bias=False)
        _add_singular_vectors(self)

    def forward(self, x: Tensor, passes: int = 1) -> Tensor:
        pixels, weight = x[..., None, None], self.weight[..., None, None]
        return spectral_convolution(pixels, weight, _singular_vectors(self, passes), 1)[..., 0, 0]


def _add_singular_vectors(layer: nn.Conv2d | nn.Linear) -> None:
    rows, columns = layer.weight.flatten(1).shape
    layer.register_buffer("u", F.normalize(torch.randn(rows), dim=0))
    layer.register_buffer("v", F.normalize(torch.randn(columns), dim=0))


@torch.no_grad()
def _singular_vectors(layer: SpectralConv2d | SpectralLinear, passes: int) -> Singular:
    """u, v and the estimate u . (W v) of the largest singular value, a row for each pass.

    In training every pass starts with one power iteration, as in the official code.
    """
    matrix = layer.weight.flatten(1)
    found = []
    with torch.autocast(matrix.device.type, enabled=False):
        for _ in range(passes):
            if layer.training:  # new tensors, not in place: an earlier forward may still wait for its backward
                layer.v = F.normalize(matrix.t() @ layer.u, dim=0, eps=1e-12)
            image = matrix @ layer.v
            if layer.training:
                layer.u = F.normalize(image, dim=0, eps=1e-12)
            found.append((layer.u, layer.v, layer.u @ image))
    u, v, sigma = (torch.stack(parts) for parts in zip(*found, strict=True))
    return u, v, sigma


class CAM(nn.Module):
    """Class activation map: two pooled classifiers whose weights then scale the feature map (section 2.1.1).

    Scaling the channels twice, concatenating and merging with a 1x1 convolution is linear, so it is
    one 1x1 convolution whose weight is the two halves of `merge`, scaled and added. The discriminator's
    classifiers are normalised, but the map is scaled with their raw weights, as in the official code. With `affine`
    it is scaled with weights of its own, the same in both halves.
    """

    def __init__(self, channels: int, *, spectral: bool = False, affine: bool = False) -> None:
        super().__init__()
        self.average_fc = SpectralLinear(channels, 1) if spectral else nn.Linear(channels, 1, bias=affine)
        self.max_fc = SpectralLinear(channels, 1) if spectral else nn.Linear(channels, 1, bias=affine)
        self.scale = nn.Parameter(torch.ones(channels)) if affine else None
        self.merge = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor, **passes: int) -> tuple[Tensor, Tensor]:
        """x: B C H W -> merged features B C H W (before the activation), logits B 2."""
        pooled = x.mean(dim=(2, 3)), x.amax(dim=(2, 3))  # B C each
        logits = torch.cat([self.average_fc(pooled[0], **passes), self.max_fc(pooled[1], **passes)], dim=1)
        bias = self.merge.bias
        assert bias is not None
        average_part, max_part = self.merge.weight[..., 0, 0].chunk(2, dim=1)  # C C each
        by_average = self.average_fc.weight if self.scale is None else self.scale  # 1 C or C
        by_max = self.max_fc.weight if self.scale is None else self.scale
        weight = average_part * by_average + max_part * by_max
        return _per_pixel(x, weight).add(bias[:, None, None]), logits


def _per_pixel(x: Tensor, weight: Tensor) -> Tensor:
    """B C H W -> B O H W, a 1x1 convolution as the matrix product that it is: several times faster on a CPU."""
    return torch.matmul(weight, x.flatten(2)).view(len(x), -1, *x.shape[2:])


def _pooled(x: Tensor, side: int) -> Tensor:
    """B C side side; on Apple's GPUs, which only divide without a rest (pytorch/pytorch#96056), by the CPU where there is one."""
    if x.device.type == "mps" and (x.shape[2] % side or x.shape[3] % side):
        return F.adaptive_avg_pool2d(x.cpu(), side).to(x.device)
    return F.adaptive_avg_pool2d(x, side)


def _heatmap(features: Tensor, wanted: bool) -> Tensor | None:
    return features.sum(dim=1, keepdim=True) if wanted else None


class Discriminator(nn.Module):
    """PatchGAN with CAM (table 6). `layers` is 7 for the global one, 5 for the local one."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        widths = [3, *(channels * 2**i for i in range(layers - 1))]
        strides = [2] * (layers - 2) + [1]
        self.convs = nn.ModuleList(
            SpectralConv2d(before, after, 4, stride)
            for before, after, stride in zip(widths, widths[1:], strides, strict=False)
        )
        width = channels * 2 ** (layers - 2)
        self.cam = CAM(width, spectral=True)
        self.head = SpectralConv2d(width, 1, 4, bias=False)

    def forward(self, x: Tensor, *, passes: int = 1, heatmap: bool = False) -> Verdict:
        """x: B 3 H W in [-1, 1]; with `passes`, so many batches in one, each judged as if it came in a call of its own."""
        for conv in self.convs:
            x = F.leaky_relu(conv(_reflect(x, 1), passes), LEAKY_SLOPE, inplace=True)
        x, cam_logits = self.cam(x, passes=passes)
        x = F.leaky_relu(x, LEAKY_SLOPE, inplace=True)
        return Verdict(self.head(_reflect(x, 1), passes), cam_logits, _heatmap(x, heatmap))


class Generator(nn.Module):
    """Encoder, attention, AdaLIN decoder (table 5)."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        channels, width, affine = config.channels, config.width, config.affine
        self.stem = ReflectConv2d(3, channels, 7, bias=False)
        self.stem_norm = InstanceNorm(channels, affine=affine)
        self.downs = nn.ModuleList(ReflectConv2d(channels * m, channels * 2 * m, 3, 2, bias=False) for m in (1, 2))
        self.down_norms = nn.ModuleList(InstanceNorm(channels * 2 * m, affine=affine) for m in (1, 2))
        self.encoder_blocks = nn.ModuleList(ResidualBlock(width, affine=affine) for _ in range(config.blocks))
        self.cam = CAM(width, affine=affine)
        self.mlp = nn.Sequential(
            nn.Linear(config.mlp_inputs, width, bias=affine),
            nn.ReLU(inplace=True),
            nn.Linear(width, width, bias=affine),
            nn.ReLU(inplace=True),
        )
        self.gamma = nn.Linear(width, width, bias=affine)
        self.beta = nn.Linear(width, width, bias=affine)
        self.decoder_blocks = nn.ModuleList(AdaLINBlock(config) for _ in range(config.blocks))
        self.ups = nn.ModuleList(UpBlock(config, channels * m) for m in (2, 1))
        self.head = ReflectConv2d(channels, 3, 7, bias=affine)

    def forward(self, x: Tensor, *, heatmap: bool = False) -> Translation:
        """x: B 3 H W in [-1, 1], H and W multiples of 4 (`full`: both equal to the config's image_size)."""
        x = self.encode(x)  # B 4C H/4 W/4
        x, cam_logits = self.cam(x)
        x = F.relu(x, inplace=True)
        attention = _heatmap(x, heatmap)
        seen = _pooled(x, self.config.pool) if self.config.any_size else x
        style = self.mlp(seen.flatten(1))  # B 4C
        gamma, beta = self.gamma(style), self.beta(style)
        for block in self.decoder_blocks:
            x = block(x, gamma, beta)
        for up in self.ups:
            x = up(x)  # B C H W at last
        return Translation(torch.tanh(self.head(x)), cam_logits, attention)

    def encode(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem_norm(self.stem(x)), inplace=True)
        for down, norm in zip(self.downs, self.down_norms, strict=True):
            x = F.relu(norm(down(x)), inplace=True)
        for block in self.encoder_blocks:
            x = block(x)
        return x
