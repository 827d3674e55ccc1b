"""Hand-written backward passes against numerical ones, and against the plain form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ugatit_cli import gradients
from ugatit_cli.gradients import normalise, spectral_convolution
from ugatit_cli.network import Discriminator, SpectralConv2d


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def coefficients(mean: Tensor, variance: Tensor, count: int, gamma: Tensor) -> tuple[Tensor, Tensor]:
    return gamma * torch.rsqrt(variance + 1e-5) / count, mean.square()


def test_normalisation() -> None:
    x, gamma = random(2, 3, 4, 5).requires_grad_(), random(3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, gamma: normalise(x, coefficients, gamma), (x, gamma))


def plain(x: Tensor, weight: Tensor, u: Tensor, v: Tensor, stride: int) -> Tensor:
    """Each batch by the weight over its own sigma, as autograd sees it."""
    parts = [
        F.conv2d(part, weight / (row @ weight.flatten(1) @ column), stride=stride)
        for part, row, column in zip(x.chunk(len(u)), u, v, strict=True)
    ]
    return torch.cat(parts)


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (4, 1), (1, 1)])
@pytest.mark.parametrize("passes", [1, 2])
def test_spectral_convolution(
    few: bool, kernel: int, stride: int, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways to compute it, with and without a gradient for the weight."""
    monkeypatch.setattr(gradients, "FEW_POSITIONS", 10**6 if few else 0)
    x, weight = random(2 * passes, 3, 7, 6), random(5, 3, kernel, kernel, seed=1)
    u, v = random(passes, 5, seed=2), random(passes, 3 * kernel**2, seed=3)
    sigma = torch.stack([row @ weight.flatten(1) @ column for row, column in zip(u, v, strict=True)])

    def ours(x: Tensor, weight: Tensor) -> Tensor:
        return spectral_convolution(x, weight, (u, v, sigma), stride)

    def expected(x: Tensor, weight: Tensor) -> Tensor:
        return plain(x, weight, u, v, stride)

    upstream = torch.randn_like(expected(x, weight))
    for wanted in ((True, True), (True, False), (False, True)):
        results = [of(function, x, weight, wanted, upstream) for function in (ours, expected)]
        for mine, theirs in zip(*results, strict=True):
            torch.testing.assert_close(mine, theirs)


def of(
    function: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, wanted: tuple[bool, bool], upstream: Tensor
) -> list[Tensor]:
    leaves = [leaf.detach().requires_grad_(want) for leaf, want in zip((x, weight), wanted, strict=True)]
    y = function(leaves[0], leaves[1])
    y.backward(upstream)  # type: ignore[no-untyped-call]
    return [y.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def test_two_batches_in_one_pass_are_two_calls() -> None:
    """Verdicts, gradients and the vectors of the power iteration."""
    torch.manual_seed(0)
    joined = Discriminator(4, 5).double()
    apart = Discriminator(4, 5).double()
    apart.load_state_dict(joined.state_dict())
    real, fake = random(2, 3, 32, 32), random(2, 3, 32, 32, seed=1)
    verdict = joined(torch.cat([real, fake]), passes=2)
    verdicts = [apart(real), apart(fake)]
    torch.testing.assert_close(verdict.score, torch.cat([each.score for each in verdicts]))
    torch.testing.assert_close(verdict.cam_logits, torch.cat([each.cam_logits for each in verdicts]))
    (verdict.score.square().sum() + verdict.cam_logits.sum()).backward()
    sum(each.score.square().sum() + each.cam_logits.sum() for each in verdicts).backward()
    for (name, mine), theirs in zip(joined.named_parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, msg=name)
    for name, buffer in joined.named_buffers():
        torch.testing.assert_close(buffer, dict(apart.named_buffers())[name], msg=name)


def test_a_frozen_layer_gets_no_gradient() -> None:
    layer = SpectralConv2d(3, 4, 4, 2).requires_grad_(False)
    x = torch.randn(1, 3, 8, 8, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None
