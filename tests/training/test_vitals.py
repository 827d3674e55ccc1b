"""What is told of the translated pictures and the rhos, against cases whose answer is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import Batch
from ugatit_cli.training.objective import Fakes, Networks
from ugatit_cli.training.vitals import Numbers, Vitals


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks(
        TrainConfig(a=Path("a"), b=Path("b"), size=32, channels=4, blocks=1, discriminator_channels=4)
    )  # fmt: skip


def pictures(count: int, seed: int, contrast: float = 1.0) -> Tensor:
    """Each with its own colours in broad areas: N 3 32 32."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return contrast * coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)


def observed(networks: Networks, batch: Batch, fake_a: Tensor, fake_b: Tensor, *, batch_size: int = 1) -> Numbers:
    vitals = Vitals()
    nothing = torch.zeros(1)
    parts = (torch.split(x, batch_size) for x in (*batch, fake_a, fake_b))
    for real_a, real_b, a, b in zip(*parts, strict=True):
        vitals.observe(Batch(real_a, real_b), Fakes(a, b, a, b, (nothing, nothing), (nothing, nothing)))
    return vitals.take(networks)


def test_change_is_in_levels(networks: Networks) -> None:
    real = Batch(pictures(10, 0), pictures(10, 1))
    numbers = observed(networks, real, fake_a=real.real_b, fake_b=real.real_a + 10 / 127.5)
    assert numbers["change_a2b"] == pytest.approx(10, rel=1e-4)
    assert numbers["change_b2a"] == 0


def test_variety_compares_with_the_real_pictures(networks: Networks) -> None:
    real = Batch(pictures(40, 0), pictures(40, 1))
    numbers = observed(networks, real, fake_a=0.5 * real.real_a, fake_b=real.real_b.flip(0))
    assert numbers["variety_a2b"] == pytest.approx(1, rel=0.05)  # the spreads of A and B differ a little
    assert numbers["variety_b2a"] == pytest.approx(0.5, rel=0.05)


def test_one_picture_for_all_has_no_variety(networks: Networks) -> None:
    real = Batch(pictures(20, 0), pictures(20, 1))
    always = pictures(1, 2).expand(20, -1, -1, -1)
    numbers = observed(networks, real, fake_a=real.real_b, fake_b=always)
    assert numbers["variety_a2b"] == pytest.approx(0, abs=1e-3)


def test_texture_is_no_variety(networks: Networks) -> None:
    """Noise over one and the same picture: a collapsed generator is never perfectly constant."""
    real = Batch(pictures(20, 0), pictures(20, 1))
    noise = 0.2 * torch.randn(20, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    numbers = observed(networks, real, fake_a=real.real_b, fake_b=pictures(1, 2) + noise)
    variety = numbers["variety_a2b"]
    assert isinstance(variety, float) and variety < 0.1


def test_pictures_that_hardly_vary_are_not_held_against_the_generator(networks: Networks) -> None:
    real = Batch(pictures(20, 0, contrast=0.1), pictures(20, 1))
    assert observed(networks, real, real.real_b, real.real_a)["variety_a2b"] == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("case", ["few", "constant"])
def test_variety_may_be_unknown(case: str, networks: Networks) -> None:
    count = 7 if case == "few" else 20
    real = Batch(pictures(count, 0, contrast=0 if case == "constant" else 1), pictures(count, 1))
    numbers = observed(networks, real, real.real_b, real.real_a)
    assert numbers["variety_a2b"] is None and numbers["variety_b2a"] is None
    assert numbers["change_a2b"] == 0


def test_the_batch_size_does_not_matter(networks: Networks) -> None:
    real = Batch(pictures(12, 0), pictures(12, 1))
    fakes = pictures(12, 2), pictures(12, 3)
    one, four = (observed(networks, real, *fakes, batch_size=size) for size in (1, 4))
    assert one == {name: pytest.approx(value, rel=1e-4) for name, value in four.items()}


def test_half_precision_counts_as_exactly(networks: Networks) -> None:
    real = Batch(pictures(300, 0), pictures(300, 1))
    fakes = [pictures(300, seed, contrast=0.5) for seed in (2, 3)]
    full = observed(networks, real, *fakes)["variety_a2b"]
    assert observed(networks, real, *(fake.bfloat16() for fake in fakes))["variety_a2b"] == pytest.approx(
        full, rel=0.01
    )


def test_every_interval_begins_anew(networks: Networks) -> None:
    real = Batch(pictures(8, 0), pictures(8, 1))
    nothing = (torch.zeros(1), torch.zeros(1))
    vitals = Vitals()
    for shift, expected in ((0.2, 25.5), (0.4, 51.0)):
        vitals.observe(real, Fakes(real.real_b, real.real_a + shift, *real, nothing, nothing))
        assert vitals.take(networks)["change_a2b"] == pytest.approx(expected, rel=1e-3)
    assert vitals.take(networks)["change_a2b"] is None


def test_rhos_are_counted_where_they_stand(networks: Networks) -> None:
    rhos = [parameter for name, parameter in networks.named_parameters() if name.endswith(".rho")]
    before = [rho.detach().clone() for rho in rhos]
    total = sum(rho.numel() for rho in rhos)
    try:
        with torch.no_grad():
            for rho in rhos:
                rho.fill_(0.55)
            rhos[0][0], rhos[0][1], rhos[0][2] = 0.0, 1.0, 0.9
        numbers = Vitals().take(networks)
        assert numbers["rho_at_zero"] == pytest.approx(1 / total)
        assert numbers["rho_at_one"] == pytest.approx(1 / total)
        assert numbers["rho_histogram"] == [1, 0, 0, 0, 0, total - 3, 0, 0, 0, 2]
        assert numbers["rho_mean"] == pytest.approx((0.55 * (total - 3) + 1.9) / total)
        assert Vitals(rho_limit=0.9).take(networks)["rho_at_one"] == pytest.approx(2 / total)
    finally:
        with torch.no_grad():
            for rho, value in zip(rhos, before, strict=True):
                rho.copy_(value)


def test_new_networks_have_the_rhos_of_the_paper(networks: Networks) -> None:
    """AdaLIN starts at 0.9, LIN at 0."""
    numbers = Vitals().take(networks)
    histogram = numbers["rho_histogram"]
    assert isinstance(histogram, list) and histogram[1:9] == [0] * 8
    assert numbers["rho_at_zero"] == pytest.approx(histogram[0] / sum(histogram))
    assert numbers["rho_mean"] == pytest.approx(0.9 * histogram[9] / sum(histogram))
    assert numbers["rho_at_one"] == 0
