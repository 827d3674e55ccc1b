"""Our network against its plain form and against the golden numbers: values, gradients, every shape it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import golden_pytorch as golden
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import PlainDiscriminator, PlainGenerator
from torch import Tensor, nn

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.network import AdaLIN, Discriminator, Generator

SIDES = st.sampled_from([16, 20, 24, 28, 36, 48])
SMALL = GeneratorConfig("light", channels=3, blocks=1, image_size=16)


@st.composite
def generators(draw: st.DrawFn) -> tuple[GeneratorConfig, int, int]:
    """A configuration, and a height and width that it takes: any for light, its own for full."""
    side, height, width = draw(SIDES), draw(SIDES), draw(SIDES)
    light = draw(st.booleans())
    channels, blocks = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    affine, unbiased = draw(st.booleans()), draw(st.booleans())
    config = GeneratorConfig("light" if light else "full", channels, blocks, side, affine, unbiased)
    return (config, height, width) if light else (config, side, side)


def randomise(network: nn.Module, seed: int) -> nn.Module:
    """Weights under which every parameter matters: norms far from their start, a third of every rho at a bound."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("rho"):
                rho = torch.rand(parameter.shape, generator=random, dtype=parameter.dtype)
                parameter.copy_((rho * 1.5 - 0.25).clamp(0, 1))
            elif parameter.ndim == 1:
                parameter.normal_(generator=random)
            else:
                parameter.normal_(std=parameter[0].numel() ** -0.5, generator=random)
    return network


def pair(config: GeneratorConfig, seed: int) -> tuple[Generator, PlainGenerator]:
    """Ours and the plain one with the same weights, in double: what differs then is a mistake, not rounding."""
    ours, plain = Generator(config).double(), PlainGenerator(config).double()
    plain.load_state_dict(randomise(ours, seed).state_dict())
    return ours, plain


def pictures(batch: int, height: int, width: int, seed: int) -> Tensor:
    return (
        torch.rand(batch, 3, height, width, dtype=torch.double, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    )


def gradients(network: nn.Module, x: Tensor, outputs: tuple[Tensor | None, ...]) -> dict[str, Tensor]:
    """Of a random projection of all outputs, by parameter name; the picture's own under "input"."""
    random = torch.Generator().manual_seed(7)
    total = sum(
        (output * torch.randn(output.shape, generator=random, dtype=output.dtype)).sum()
        for output in outputs
        if output is not None
    )
    assert isinstance(total, Tensor)
    names, parameters = zip(*network.named_parameters(), strict=True)
    found = torch.autograd.grad(total, [x, *parameters])
    return dict(zip(["input", *names], found, strict=True))


def assert_close(actual: Tensor, expected: Tensor) -> None:
    """To twelve digits of the largest value: single ones may cancel out."""
    allowed = 1e-12 + 1e-9 * expected.detach().abs().max().item()
    torch.testing.assert_close(actual, expected, rtol=0, atol=allowed)


def assert_same_gradients(ours: dict[str, Tensor], plain: dict[str, Tensor]) -> None:
    """Each to eight digits; one that cancels to nothing (a shift before an instance norm) to ten of the largest."""
    assert ours.keys() == plain.keys()
    largest = max(torch.linalg.vector_norm(expected) for expected in plain.values())
    for name, expected in plain.items():
        error = torch.linalg.vector_norm(ours[name] - expected)
        assert error <= 1e-8 * torch.linalg.vector_norm(expected) + 1e-10 * largest, name


@settings(max_examples=40)
@given(shape=generators(), batch=st.sampled_from([1, 3]), heatmap=st.booleans(), seed=st.integers(0, 2**32))
def test_generator_equals_plain_form(
    shape: tuple[GeneratorConfig, int, int], batch: int, heatmap: bool, seed: int
) -> None:
    config, height, width = shape
    ours, plain = pair(config, seed)
    x = pictures(batch, height, width, seed)
    with torch.inference_mode():
        expected = plain(x)
        result = ours.eval()(x, heatmap=heatmap)
    assert_close(result.image, expected[0])
    assert_close(result.cam_logits, expected[1])
    if heatmap:
        assert_close(result.heatmap, expected[2])
    else:
        assert result.heatmap is None


@settings(max_examples=15)
@given(shape=generators(), batch=st.sampled_from([1, 3]), seed=st.integers(0, 2**32))
def test_generator_gradients_equal_plain_form(shape: tuple[GeneratorConfig, int, int], batch: int, seed: int) -> None:
    config, height, width = shape
    ours, plain = pair(config, seed)
    x = pictures(batch, height, width, seed).requires_grad_()
    assert_same_gradients(gradients(ours, x, ours(x, heatmap=True)), gradients(plain, x, plain(x)))


@settings(max_examples=15)
@given(
    channels=st.integers(1, 5),
    layers=st.integers(3, 5),
    height=st.sampled_from([48, 53, 64]),
    width=st.sampled_from([48, 50, 80]),
    batch=st.sampled_from([1, 3]),
    training=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_discriminator_equals_plain_form(**drawn: int) -> None:
    """Values, gradients, and in training the power iterations that two forward passes leave behind."""
    ours = Discriminator(drawn["channels"], drawn["layers"]).double().train(bool(drawn["training"]))
    plain = PlainDiscriminator(drawn["channels"], drawn["layers"]).double().train(bool(drawn["training"]))
    plain.load_state_dict(randomise(ours, drawn["seed"]).state_dict())
    x = pictures(drawn["batch"], drawn["height"], drawn["width"], drawn["seed"]).requires_grad_()
    for _ in range(2):
        verdict, expected = ours(x, heatmap=True), plain(x)
    for result, wanted in zip(verdict, expected, strict=True):
        assert_close(result, wanted)
    assert_same_gradients(gradients(ours, x, verdict), gradients(plain, x, expected))
    for name, buffer in plain.named_buffers():
        assert_close(ours.get_buffer(name), buffer)


@pytest.mark.parametrize("rho", [0.0, 0.25, 1.0])
def test_adalin_at_the_bounds_of_rho(rho: float) -> None:
    """1 is instance normalisation alone, 0 layer normalisation alone; both with the n - 1 variance."""
    torch.manual_seed(0)
    x, gamma, beta = torch.randn(2, 5, 6, 7).double() * 3 + 1, torch.randn(2, 5).double(), torch.randn(2, 5).double()
    norm = AdaLIN(5).double()
    nn.init.constant_(norm.rho, rho)
    by_instance = torch.stack([torch.stack([(c - c.mean()) / (c.var() + 1e-5).sqrt() for c in one]) for one in x])
    by_layer = torch.stack([(one - one.mean()) / (one.var() + 1e-5).sqrt() for one in x])
    mixed = by_layer if rho == 0 else by_instance if rho == 1 else 0.25 * by_instance + 0.75 * by_layer
    assert_close(norm(x, gamma, beta), gamma[..., None, None] * mixed + beta[..., None, None])


def test_adalin_gradients_by_finite_differences() -> None:
    """The backward pass is written by hand, so it is held against differences, at rho's bounds too."""
    torch.manual_seed(0)
    norm = AdaLIN(4).double()
    rho = torch.tensor([0.0, 1.0, 0.3, 0.9], dtype=torch.double, requires_grad=True)
    x = torch.randn(2, 4, 3, 5, dtype=torch.double, requires_grad=True)
    gamma, beta = (torch.randn(2, 4, dtype=torch.double, requires_grad=True) for _ in range(2))

    def normalised(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(norm, {"rho": rho}, (x, gamma, beta))
        return result

    assert torch.autograd.gradcheck(normalised, (x, rho, gamma, beta))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_statistics_survive_a_large_mean(layout: torch.memory_format) -> None:
    """A mean 1,000 times the deviation: the mean of squares less the square of the mean would lose every digit."""
    torch.manual_seed(0)
    x = (torch.randn(1, 4, 32, 32) + 1000).to(memory_format=layout)
    gamma, beta, norm = torch.ones(1, 4), torch.zeros(1, 4), AdaLIN(4)
    exact = norm.double()(x.double(), gamma.double(), beta.double())
    torch.testing.assert_close(norm.float()(x, gamma, beta).double(), exact, rtol=0, atol=1e-3)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_nearly_flat_pictures_keep_their_digits(layout: torch.memory_format) -> None:
    """A bright wall with one level of noise: the encoder's norms see means a hundred times their deviations."""
    ours, _ = pair(GeneratorConfig("light", channels=8, blocks=2, image_size=64), seed=1)
    x = (pictures(1, 64, 64, seed=2).sign() * 0.5 + 230.5) / 127.5 - 1
    with torch.inference_mode():
        exact = ours(x).image
        rounded = ours.float()(x.float().contiguous(memory_format=layout)).image
    assert (rounded - exact).abs().max() < 1 / 127.5  # one level of 255


@pytest.mark.parametrize("config", [SMALL, GeneratorConfig("full", channels=3, blocks=1, image_size=16)])
def test_pictures_of_a_batch_do_not_mix(config: GeneratorConfig) -> None:
    ours, _ = pair(config, seed=1)
    x = pictures(3, 16, 16, seed=2)
    with torch.inference_mode():
        together = ours(x, heatmap=True)
        alone = [ours(one[None], heatmap=True) for one in x]
    for place in range(3):
        expected = torch.cat([result[place] for result in alone])
        assert_close(together[place], expected)


def test_input_and_weights_stay_as_they_are() -> None:
    """Activations are overwritten in place; what came in must not be."""
    ours, _ = pair(SMALL, seed=1)
    x = pictures(1, 16, 16, seed=2)
    before = {"x": x.clone(), **{name: tensor.clone() for name, tensor in ours.state_dict().items()}}
    first = ours(x, heatmap=True)
    first.image.sum().backward()
    second = ours(x, heatmap=True)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert all(torch.equal(before[name], tensor) for name, tensor in {"x": x, **ours.state_dict()}.items())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", golden.GENERATORS)
def test_generator_equals_official(shared: Path, name: str, layout: torch.memory_format) -> None:
    case = golden.generator_case(shared, name)
    generator = Generator(golden.GENERATORS[name]).eval()
    generator.load_state_dict(case.state)
    for parameter in generator.parameters():
        parameter.data = parameter.contiguous(memory_format=layout) if parameter.ndim == 4 else parameter.data
    with torch.inference_mode():
        image, cam_logits, heatmap = generator(case.input.contiguous(memory_format=layout), heatmap=True)
    assert heatmap is not None
    golden.assert_generator_matches(case, image, cam_logits, heatmap)


@pytest.mark.parametrize("network", ["genA2B", "genB2A"])
@pytest.mark.parametrize("checkpoint", golden.CHECKPOINTS)
def test_checkpoint_generator_equals_official(shared: Path, checkpoint: str, network: str) -> None:
    case = golden.checkpoint_case(shared, checkpoint, network)
    generator = Generator(golden.CHECKPOINTS[checkpoint]).eval()
    generator.load_state_dict(case.state)
    with torch.inference_mode():
        image, cam_logits, heatmap = generator(case.input, heatmap=True)
    assert heatmap is not None
    golden.assert_generator_matches(case, image, cam_logits, heatmap)


@pytest.mark.parametrize("name", golden.DISCRIMINATORS)
def test_discriminator_equals_official(shared: Path, name: str) -> None:
    case = golden.discriminator_case(shared, name)
    assert_discriminator_equals_official(case, Discriminator(*golden.DISCRIMINATORS[name]))


@pytest.mark.parametrize("network", golden.CHECKPOINT_LAYERS)
@pytest.mark.parametrize("checkpoint", golden.CHECKPOINTS)
def test_checkpoint_discriminator_equals_official(shared: Path, checkpoint: str, network: str) -> None:
    case = golden.checkpoint_case(shared, checkpoint, network)
    channels = golden.CHECKPOINTS[checkpoint].channels
    assert_discriminator_equals_official(case, Discriminator(channels, golden.CHECKPOINT_LAYERS[network]))


def assert_discriminator_equals_official(case: golden.Case, discriminator: Discriminator) -> None:
    discriminator.load_state_dict(case.state)
    with torch.inference_mode():
        score, cam_logits, heatmap = discriminator.eval()(case.input, heatmap=True)
    assert heatmap is not None
    golden.assert_discriminator_matches(case, score, cam_logits, heatmap)


def test_one_state_dict_fits_both_forms() -> None:
    for config in (SMALL, replace(SMALL, affine=True), GeneratorConfig("full", channels=3, blocks=2, image_size=16)):
        PlainGenerator(config).load_state_dict(Generator(config).state_dict())
        Generator(config).load_state_dict(PlainGenerator(config).state_dict())
    for layers in (3, 5, 7):
        PlainDiscriminator(2, layers).load_state_dict(Discriminator(2, layers).state_dict())
        Discriminator(2, layers).load_state_dict(PlainDiscriminator(2, layers).state_dict())


def test_heatmap_is_left_out_unless_asked_for() -> None:
    x = pictures(1, 64, 64, seed=2).float()
    assert Generator(SMALL)(x).heatmap is None
    assert Discriminator(2, 3)(x).heatmap is None
