from __future__ import annotations

from pathlib import Path

import pytest
import torch
from golden_pytorch import CHECKPOINT_FILES, CHECKPOINTS, GENERATORS, generator_name
from safetensors.torch import load_file, save_file
from torch import Tensor
from weights.official_files import CONFIGS, TINY, generator_shapes, generator_state, save

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.network import Generator

FORMATS = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])


def detected(config: GeneratorConfig) -> GeneratorConfig:
    """What can be told from shapes: a light generator fits every size."""
    return config if config.variant == "full" else GeneratorConfig("light", config.channels, config.blocks, 256)


def assert_same(ours: object, official: dict[str, Tensor]) -> None:
    assert isinstance(ours, dict)
    assert set(ours) == {generator_name(name) for name in official}
    for name, tensor in official.items():
        assert torch.equal(ours[generator_name(name)].flatten(), tensor.float().flatten()), name


@FORMATS
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_random_weights_are_detected_as_what_they_are(config: GeneratorConfig, legacy: bool, tmp_path: Path) -> None:
    states = {"genA2B": generator_state(config, 1), "genB2A": generator_state(config, 2), "disGA": {}, "epoch": 3}
    model = weights.load(save(tmp_path / "x.pt", states, legacy=legacy))
    assert (model.config, model.format, model.notes) == (detected(config), "official-pytorch", ())
    assert_same(model.generators["a2b"], states["genA2B"])  # type: ignore[arg-type]
    assert_same(model.generators["b2a"], states["genB2A"])  # type: ignore[arg-type]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_converted_weights_fit_the_network_and_our_own_format(config: GeneratorConfig, tmp_path: Path) -> None:
    foreign = weights.load(save(tmp_path / "x.pt", {"genB2A": generator_state(config)}))
    Generator(foreign.config).load_state_dict(foreign.generators["b2a"])
    weights.save(tmp_path / "x.safetensors", foreign.config, foreign.generators, metadata=foreign.metadata)
    ours = weights.load(tmp_path / "x.safetensors")
    assert ours.config == foreign.config
    assert all(torch.equal(ours.generators["b2a"][name], tensor) for name, tensor in foreign.generators["b2a"].items())


@FORMATS
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_generator_alone_is_used_as_a2b_with_a_note(
    dtype: torch.dtype, prefix: str, legacy: bool, tmp_path: Path
) -> None:
    state = {name: tensor.to(dtype) for name, tensor in generator_state(TINY).items()}
    content = {prefix + name: tensor for name, tensor in state.items()}
    if legacy:
        path = save(tmp_path / "x.pt", content, legacy=True)
    else:
        path = tmp_path / "x.pt"  # the name says nothing
        save_file(content, path)
    model = weights.load(path)
    assert model.config == detected(TINY)
    assert_same(model.generator()[1], state)
    assert list(model.generators) == ["a2b"]
    assert model.notes == ("the file does not say which way its generator translates; it is used as a2b",)


def test_data_parallel_prefixes_inside_a_checkpoint(tmp_path: Path) -> None:
    state = generator_state(TINY)
    path = save(tmp_path / "x.pt", {"genB2A": {f"module.{name}": tensor for name, tensor in state.items()}})
    assert_same(weights.load(path).generators["b2a"], state)


@FORMATS
@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
def test_networks_that_a_framework_keeps_beside_its_own_state(wrapper: str, legacy: bool, tmp_path: Path) -> None:
    """As Lightning and others save: the program's state outside, the networks' tensors one level down."""
    states = {"genA2B": generator_state(TINY, 1), "genB2A": generator_state(TINY, 2)}
    flat = {f"{network}.{name}": tensor for network, state in states.items() for name, tensor in state.items()}
    optimizer = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    for content in (states, flat):
        outside: dict[str, object] = {"epoch": 3, wrapper: content, "optimizer": optimizer, "lr_schedulers": []}
        model = weights.load(save(tmp_path / "x.pt", outside, legacy=legacy))
        assert model.notes == ()
        assert_same(model.generators["a2b"], states["genA2B"])
        assert_same(model.generators["b2a"], states["genB2A"])


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_generator_that_a_framework_keeps_beside_its_own_state(prefix: str, tmp_path: Path) -> None:
    state = generator_state(TINY)
    content = {"epoch": 3, "state_dict": {prefix + name: tensor for name, tensor in state.items()}}
    model = weights.load(save(tmp_path / "x.pt", content))
    assert_same(model.generators["a2b"], state)
    assert len(model.notes) == 1

    del content["state_dict"][prefix + "FC.2.weight"]  # type: ignore[attr-defined]
    with pytest.raises(BadModelError, match=rf"missing state_dict\.{prefix}FC\.2\.weight"):
        weights.load(save(tmp_path / "y.pt", content))


def test_two_parts_with_a_generator_are_not_guessed_between(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="not a tensor: one, other"):
        weights.load(save(tmp_path / "x.pt", {"one": generator_state(TINY), "other": generator_state(TINY)}))


def test_whole_state_dicts_of_modules_with_their_version_numbers(tmp_path: Path) -> None:
    """state_dict() returns an OrderedDict with an attribute `_metadata`, which the pickle sets."""

    class Official(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, tensor in generator_state(TINY).items():
                *modules, leaf = name.split(".")
                place: torch.nn.Module = self
                for module in modules:
                    if not hasattr(place, module):
                        place.add_module(module, torch.nn.Module())
                    place = getattr(place, module)
                place.register_parameter(leaf, torch.nn.Parameter(tensor))

    state = Official().state_dict()
    assert hasattr(state, "_metadata")
    assert_same(weights.load(save(tmp_path / "x.pt", {"genA2B": state})).generators["a2b"], generator_state(TINY))


# ---- what forks made of it


def test_averaged_generators_are_preferred(tmp_path: Path) -> None:
    states = {name: generator_state(TINY, seed) for seed, name in enumerate(["genA2B", "genB2A", "genA2B_ema"])}
    model = weights.load(save(tmp_path / "x.pt", states))
    assert_same(model.generators["a2b"], states["genA2B_ema"])
    assert_same(model.generators["b2a"], states["genB2A"])
    assert model.notes == ("it holds averaged weights (genA2B_ema), which are used",)


def test_averages_alone_with_the_name_before_each_tensors(tmp_path: Path) -> None:
    state = generator_state(TINY)
    save_file({f"genB2A_ema.{name}": tensor for name, tensor in state.items()}, tmp_path / "x.safetensors")
    assert_same(weights.load(tmp_path / "x.safetensors").generators["b2a"], state)


def test_averages_as_torch_keeps_them(tmp_path: Path) -> None:
    state = generator_state(TINY)
    averaged = {f"module.{name}": tensor for name, tensor in state.items()} | {"n_averaged": torch.tensor(7)}
    assert_same(weights.load(save(tmp_path / "x.pt", {"genA2B_ema": averaged})).generators["a2b"], state)


@pytest.mark.parametrize(("pool", "layers"), [(2, 1), (2, 2), (3, 2), (4, 1), (8, 1)])
def test_a_pooled_head_of_one_layer_or_two(pool: int, layers: int, tmp_path: Path) -> None:
    """The fork's own way to its style: means of k x k areas, one after the other for each channel, through the layers."""
    torch.manual_seed(0)
    state = generator_state(TINY) | {"FC.0.weight": torch.randn(4, 4 * pool**2)}
    if layers == 1:
        del state["FC.2.weight"]
    model = weights.load(save(tmp_path / "x.pt", {"genA2B": state}))
    assert model.config == GeneratorConfig("light", 1, 1, pool=pool)
    features = torch.randn(2, 4, 9, 13)
    expected = torch.nn.functional.adaptive_avg_pool2d(features, pool).flatten(1)
    for name in ("FC.0.weight", "FC.2.weight")[:layers]:
        expected = torch.relu(expected @ state[name].t())
    generator = Generator(model.config)
    generator.load_state_dict(dict(model.generators["a2b"]))
    seen = torch.nn.functional.adaptive_avg_pool2d(features, generator.config.pool).flatten(1)
    torch.testing.assert_close(generator.mlp(seen), expected)


def test_photo2cartoon_is_recognised_and_not_supported(tmp_path: Path) -> None:
    content = {"genA2B": {"ConvBlock1.1.weight": torch.zeros(1), "HourGlass1.Conv1.weight": torch.zeros(1)}}
    with pytest.raises(BadModelError, match=r"photo2cartoon generator .* recognised and not supported") as caught:
        weights.load(save(tmp_path / "x.pt", content))
    assert caught.value.name == "model-unsupported"


class Whole(torch.nn.Module):
    """Saved whole, its code is asked for."""


def test_a_whole_model_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "x.pt")
    with pytest.raises(RefusedError, match=r"holds a whole model \(its code, torch\.nn\.modules\.linear\.Linear\)"):
        weights.load(tmp_path / "x.pt")
    torch.save({"genA2B": Whole()}, tmp_path / "y.pt")
    with pytest.raises(RefusedError, match=r"would run code: it asks for .*Whole"):
        weights.load(tmp_path / "y.pt")


# ---- what does not fit


@pytest.mark.parametrize("name", sorted(generator_shapes(TINY)))
def test_a_missing_tensor_is_named_as_the_file_would_spell_it(name: str, tmp_path: Path) -> None:
    state = generator_state(TINY)
    del state[name]
    path = save(tmp_path / "x.pt", {"genA2B": {f"module.{key}": tensor for key, tensor in state.items()}})
    with pytest.raises(BadModelError, match="missing|do not fit") as caught:
        weights.load(path)
    blocks_gone = name.startswith("DownBlock.12.")  # then there is no block at all, or half a one
    assert f"genA2B.module.{name}" in caught.value.message or blocks_gone


@pytest.mark.parametrize("name", sorted(generator_shapes(TINY)))
@pytest.mark.parametrize("shape", [(), (3,), (2, 7), (0, 4), (1, 5, 1, 1), (2,) * 8])
def test_a_wrong_shape_is_refused_wherever_it_is(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", generator_state(TINY) | {name: torch.zeros(shape)})
    with pytest.raises(BadModelError, match="shape|do not fit|must be a whole number"):
        weights.load(path)


def test_the_message_names_a_few_and_counts_the_rest(tmp_path: Path) -> None:
    content = {"gamma.weight": torch.zeros(4, 4)} | {f"k{i}": torch.zeros(1) for i in range(2000)}
    with pytest.raises(BadModelError, match="missing DownBlock.1.weight, FC.0.weight") as caught:
        weights.load(save(tmp_path / "x.pt", content))
    assert len(caught.value.message) < 300
    with pytest.raises(BadModelError, match=r"unexpected k0, k1, k2, k3 \.\.\. \(2000 in all\)"):
        weights.load(save(tmp_path / "x.pt", generator_state(TINY) | {f"k{i}": torch.zeros(1) for i in range(2000)}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no weights are in it"),
        ({"genA2B": {}}, "not a U-GAT-IT generator|do not fit"),
        ({"genA2B": 3}, "genA2B is not a state dict"),
        ({"genA2B": {1: torch.zeros(1)}}, "not all keys of genA2B are names"),
        ({"genA2B": generator_state(TINY) | {"step": 1}}, r"not a tensor: genA2B\.step"),
        ({"disGA": {"model.1.weight_orig": torch.zeros(1)}}, r"no generator, only discriminators \(disGA\)"),
        ({"model.1.weight_orig": torch.zeros(1)}, "no generator, only discriminators"),
        ({"conv1.weight": torch.zeros(1)}, "not a U-GAT-IT generator: unexpected conv1.weight"),
        (
            {"genA2B": generator_state(TINY), "genB2A": generator_state(GeneratorConfig("light", 2, 1))},
            "two generators are of different shapes",
        ),
        (
            {"genA2B": generator_state(TINY) | {"beta.weight": torch.zeros(4, 4, dtype=torch.int16)}},
            r"genA2B\.beta\.weight has the type int16",
        ),
        (
            {
                "genA2B": generator_state(TINY),
                "genB2A": generator_state(TINY) | {"conv1x1.bias": torch.full((4,), torch.nan)},
            },
            r"genB2A\.conv1x1\.bias is not finite",
        ),
        (generator_state(TINY) | {"FC.0.weight": torch.zeros(4, 12)}, "shape of no picture size"),
        (generator_state(TINY) | {"DownBlock.1.weight": torch.zeros(2000, 3)}, "channels must be"),
    ],
)
def test_what_is_wrong_is_said(content: object, message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "x.pt", content)
    with pytest.raises(BadModelError, match=message) as caught:
        weights.load(path)
    assert caught.value.message.startswith(f"cannot use the model {path}: ")


# ---- the golden files


@pytest.mark.parametrize("name", GENERATORS)
def test_golden_generators(name: str, shared: Path) -> None:
    path = shared / "golden" / "pytorch" / "generators" / name / "weights.safetensors"
    model = weights.load(path)
    assert model.config == detected(GENERATORS[name])
    assert_same(model.generators["a2b"], load_file(path))


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_golden_checkpoints(name: str, shared: Path) -> None:
    folder = shared / "golden" / "pytorch" / "checkpoints" / name
    expected = load_file(folder / "weights.safetensors")
    for path in (folder / CHECKPOINT_FILES[name], folder / "weights.safetensors"):
        model = weights.load(path)
        assert model.config == detected(CHECKPOINTS[name])
        for network, direction in (("genA2B", "a2b"), ("genB2A", "b2a")):
            own = {
                key.removeprefix(f"{network}."): tensor for key, tensor in expected.items() if key.startswith(network)
            }
            assert_same(model.generator(direction)[1], own)  # type: ignore[arg-type]


def test_the_golden_latest_checkpoint(shared: Path) -> None:
    folder = shared / "golden" / "pytorch" / "checkpoints" / "light" / "results"
    model = weights.load(folder / "selfie2toon_params_latest.pt")
    assert (model.config, list(model.generators)) == (detected(CHECKPOINTS["light"]), ["a2b", "b2a"])


def test_a_wrong_discriminator_does_no_harm(tmp_path: Path) -> None:
    content = {"genA2B": generator_state(TINY), "disGA": {"w": torch.zeros(2)}}
    path = save(tmp_path / "x.pt", content)
    assert weights.load(path).config == detected(TINY)
