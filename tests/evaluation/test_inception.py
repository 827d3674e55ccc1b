"""The FID Inception and its file. The published weights are not here: names, shapes and form are what can be tested."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from evaluation.inception_files import FLOATS_WITHOUT_CLASSIFIER, published_shapes, random_state
from safetensors.torch import save_file
from torch import Tensor

from ugatit_cli.errors import BadModelError, RefusedError, UgatitError, UsageError
from ugatit_cli.evaluation import FeatureNetwork, extract, load_features
from ugatit_cli.evaluation.inception import Inception, average
from ugatit_cli.evaluation.inception_file import PUBLISHED_SHA256, load_inception, weight_shapes


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return random_state()


@pytest.fixture(scope="module")
def file(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the published file's form."""
    path = tmp_path_factory.mktemp("inception") / "pt_inception.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def network(file: Path) -> FeatureNetwork:
    return load_features(str(file))


def test_names_and_shapes_are_the_published_ones() -> None:
    assert weight_shapes() == published_shapes()
    assert sum(map(math.prod, published_shapes().values())) == FLOATS_WITHOUT_CLASSIFIER


def test_features_are_finite_and_tell_pictures_apart(network: FeatureNetwork) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 40, 3), dtype=np.uint8)
    pictures[1] //= 4
    features = extract(network, pictures)
    assert features.shape == (2, 2048)
    assert float((features[0] - features[1]).abs().max()) > 1e-3


def test_maps_have_the_sizes_of_the_paper(network: FeatureNetwork) -> None:
    shapes: dict[str, torch.Size] = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: shapes.update({name: output.shape[1:]})
        )
        for name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c")
    ]
    network(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    assert {name: tuple(shape) for name, shape in shapes.items()} == {
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7c": (2048, 8, 8),
    }


def test_pooling_is_that_of_the_fid_variant() -> None:
    assert torch.equal(average(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))  # the padding is no part of the mean
    with torch.device("meta"):
        network = Inception()
    pools = {name: getattr(network, f"Mixed_{name}")._pool.__name__ for name in ("5b", "6e", "7b", "7c")}
    assert pools == {"5b": "average", "6e": "average", "7b": "average", "7c": "maximum"}


def test_blocks_are_wired_as_published(network: FeatureNetwork) -> None:
    """One with forks and a maximum, one that halves its map: written out, unit by unit."""
    wide, reduction = network.get_submodule("Mixed_7c"), network.get_submodule("Mixed_7a")
    x, y = torch.rand(1, 2048, 8, 8), torch.rand(1, 768, 17, 17)

    def run(block: torch.nn.Module, x: Tensor, *names: str) -> Tensor:
        for name in names:
            unit = block.get_submodule(name)
            x = torch.relu(unit.get_submodule("bn")(unit.get_submodule("conv")(x)))
        return x

    single = run(wide, x, "branch3x3_1")
    double = run(wide, x, "branch3x3dbl_1", "branch3x3dbl_2")
    forks = [run(wide, single, "branch3x3_2a"), run(wide, single, "branch3x3_2b")]
    forks += [run(wide, double, "branch3x3dbl_3a"), run(wide, double, "branch3x3dbl_3b")]
    pooled = run(wide, F.max_pool2d(x, 3, stride=1, padding=1), "branch_pool")
    torch.testing.assert_close(wide(x), torch.cat([run(wide, x, "branch1x1"), *forks, pooled], dim=1))

    chains = (["branch3x3_1", "branch3x3_2"], [f"branch7x7x3_{n}" for n in (1, 2, 3, 4)])
    expected = torch.cat([*(run(reduction, y, *chain) for chain in chains), F.max_pool2d(y, 3, stride=2)], dim=1)
    torch.testing.assert_close(reduction(y), expected)


def test_pictures_come_in_enlarged_and_scaled(network: FeatureNetwork) -> None:
    seen: list[Tensor] = []
    hook = network.get_submodule("Conv2d_1a_3x3").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    ramp = torch.tensor([0, 255], dtype=torch.uint8).repeat(1, 3, 2, 1)  # black, then white
    network(ramp)
    hook.remove()
    (x,) = seen
    assert x.shape == (1, 3, 299, 299)
    place = (torch.arange(299) + 0.5) / 299 * 2 - 0.5  # bilinear: pixel centres, half a pixel of border
    torch.testing.assert_close(x[0, 0, 0], place.clamp(0, 1) * 2 - 1, atol=1e-5, rtol=0)


def test_it_stays_in_evaluation_mode(network: FeatureNetwork) -> None:
    assert not any(module.training for module in network.train().modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("form", ["legacy", "safetensors", "without classifier", "with counters"])
def test_every_form_of_the_file_gives_the_same_weights(
    form: str, tmp_path: Path, state: dict[str, Tensor], network: FeatureNetwork
) -> None:
    path = tmp_path / "weights"
    if form == "legacy":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif form == "safetensors":
        save_file(state, path)
    else:
        torch.save(random_state(classifier=form != "without classifier", counters=form == "with counters"), path)
    loaded = load_inception(path).state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in network.state_dict().items())


def test_other_weights_get_a_protocol_of_their_own(
    network: FeatureNetwork, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert network.name.startswith("inception-unverified-")
    assert PUBLISHED_SHA256 not in network.name
    (note,) = network.notes
    assert str(file) in note
    monkeypatch.setattr(
        "ugatit_cli.evaluation.inception_file.PUBLISHED_SHA256", note.partition("sha256 is ")[2].partition(")")[0]
    )
    published = load_inception(file)
    assert (published.name, published.notes) == ("inception-2015-12-05", ())


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({"conv": torch.zeros(1)}, BadModelError, "it is not the FID Inception: missing Conv2d_1a_3x3.conv.weight"),
        ({name: 0 for name in published_shapes()}, BadModelError, "Conv2d_1a_3x3.conv.weight is not a tensor"),
        ({n: torch.zeros(1) for n in published_shapes()}, BadModelError, "has the shape 1, and 32x3x3x3 is needed"),
        ({"conv": Runs()}, RefusedError, "loading it would run code"),
    ],
)
def test_other_files_are_turned_down(
    tmp_path: Path, content: object, error: type[UgatitError], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path, pickle_module=pickle)
    with pytest.raises(error, match=message) as caught:
        load_inception(path)
    assert caught.value.message.startswith(f"cannot use the feature network {path}: ")
    assert capfd.readouterr().out == ""


def test_a_missing_file_is_a_wrong_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_features(str(tmp_path / "missing.pth"))


def test_damaged_weights_are_noticed(network: FeatureNetwork) -> None:
    broken = Inception()
    broken.load_state_dict(network.state_dict())
    broken.get_buffer("Conv2d_1a_3x3.bn.running_var").fill_(-1)
    with pytest.raises(BadModelError, match="not finite"):
        extract(broken, np.zeros((1, 32, 32, 3), np.uint8))
