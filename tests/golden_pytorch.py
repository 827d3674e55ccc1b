"""Reads the golden numbers of the official PyTorch code, with their names turned into ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from ugatit_cli.config import GeneratorConfig

GENERATORS = {
    "light_ngf8_nb4": GeneratorConfig("light", channels=8, blocks=4, image_size=64),
    "full_ngf6_nb4_img32": GeneratorConfig("full", channels=6, blocks=4, image_size=32),
    "light_ngf5_nb6": GeneratorConfig("light", channels=5, blocks=6, image_size=64),
    "full_ngf5_nb2_img48": GeneratorConfig("full", channels=5, blocks=2, image_size=48),
}
DISCRIMINATORS = {"local_ndf6": (6, 5), "odd_ndf4_nl3": (4, 3)}  # channels, layers
CHECKPOINTS = {
    "light": GeneratorConfig("light", channels=2, blocks=4, image_size=96),
    "full": GeneratorConfig("full", channels=2, blocks=4, image_size=96),
}
CHECKPOINT_LAYERS = {"disGA": 7, "disGB": 7, "disLA": 5, "disLB": 5}
CHECKPOINT_FILES = {
    "light": "results/selfie2toon/model/selfie2toon_params_0001000.pt",
    "full": "results/selfie2toonFull/model/selfie2toonFull_params_0051000.pt",
}
UNFLATTENED = re.compile(r"\.(rho|gamma|beta)$")  # 1 C 1 1 there, C here


@dataclass(frozen=True)
class Case:
    """One network's weights under our names, its input, and the three outputs it must give."""

    state: dict[str, Tensor]
    input: Tensor
    image_or_score: Tensor
    cam_logits: Tensor
    heatmap: Tensor


def generator_case(shared: Path, name: str) -> Case:
    folder = shared / "golden" / "pytorch" / "generators" / name
    arrays = load_arrays(folder / "io.npz")
    state = generator_state(load_file(folder / "weights.safetensors"))
    return Case(state, arrays["input"], arrays["image"], arrays["cam_logit"], arrays["heatmap"])


def discriminator_case(shared: Path, name: str) -> Case:
    folder = shared / "golden" / "pytorch" / "discriminators" / name
    arrays = load_arrays(folder / "io.npz")
    state = discriminator_state(load_file(folder / "weights.safetensors"))
    return Case(state, arrays["input"], arrays["out"], arrays["cam_logit"], arrays["heatmap"])


def checkpoint_case(shared: Path, checkpoint: str, network: str) -> Case:
    """`network` is the official name of one of the six: genA2B, genB2A, disGA, disGB, disLA, disLB."""
    folder = shared / "golden" / "pytorch" / "checkpoints" / checkpoint
    official = torch.load(folder / CHECKPOINT_FILES[checkpoint], map_location="cpu", weights_only=True)[network]
    arrays = load_arrays(folder / "io.npz")
    generates = network.startswith("gen")
    return Case(
        generator_state(official) if generates else discriminator_state(official),
        arrays["input" if generates else "dis_input"],
        arrays[f"{network}.image" if generates else f"{network}.out"],
        arrays[f"{network}.cam_logit"],
        arrays[f"{network}.heatmap"],
    )


def load_arrays(path: Path) -> dict[str, Tensor]:
    with np.load(path) as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive.files}


def generator_state(official: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        generator_name(name): tensor.flatten() if UNFLATTENED.search(name) else tensor
        for name, tensor in official.items()
    }


def generator_name(official: str) -> str:
    module, _, rest = official.partition(".")
    if module == "DownBlock":
        place, _, rest = rest.partition(".")
        convolutions = {"1": "stem", "5": "downs.0", "9": "downs.1"}
        if place in convolutions:
            return f"{convolutions[place]}.{rest}"
        first_or_second = {"conv_block.1.weight": "conv1.weight", "conv_block.5.weight": "conv2.weight"}[rest]
        return f"encoder_blocks.{int(place) - 12}.{first_or_second}"
    if module == "UpBlock2":
        place, _, rest = rest.partition(".")
        layer = {"2": "ups.0.conv", "3": "ups.0.norm", "7": "ups.1.conv", "8": "ups.1.norm", "11": "head"}[place]
        return f"{layer}.{rest}"
    if module.startswith("UpBlock1_"):
        return f"decoder_blocks.{int(module.removeprefix('UpBlock1_')) - 1}.{rest}"
    ours = {"gap_fc": "cam.average_fc", "gmp_fc": "cam.max_fc", "conv1x1": "cam.merge", "FC": "mlp"}
    return f"{ours.get(module, module)}.{rest}"


def discriminator_state(official: dict[str, Tensor]) -> dict[str, Tensor]:
    return {discriminator_name(name): tensor for name, tensor in official.items()}


def discriminator_name(official: str) -> str:
    module, _, parameter = official.rpartition(".")
    layers = {"gap_fc": "cam.average_fc", "gmp_fc": "cam.max_fc", "conv1x1": "cam.merge", "conv": "head"}
    layer = layers[module] if module in layers else f"convs.{(int(module.removeprefix('model.')) - 1) // 3}"
    ours = {"weight_orig": "weight", "weight_u": "u", "weight_v": "v"}
    return f"{layer}.{ours.get(parameter, parameter)}"


def assert_generator_matches(case: Case, image: Tensor, cam_logits: Tensor, heatmap: Tensor) -> None:
    assert_within(image, case.image_or_score, 1e-4)
    assert_rest_matches(case, cam_logits, heatmap)


def assert_discriminator_matches(case: Case, score: Tensor, cam_logits: Tensor, heatmap: Tensor) -> None:
    assert_within(score, case.image_or_score, 2e-5 * float(case.image_or_score.abs().max()) + 1e-5)
    assert_rest_matches(case, cam_logits, heatmap)


def assert_rest_matches(case: Case, cam_logits: Tensor, heatmap: Tensor) -> None:
    assert_within(cam_logits, case.cam_logits, 1e-4)
    assert_within(heatmap, case.heatmap, 2e-5 * float(case.heatmap.abs().max()) + 1e-4)


def assert_within(actual: Tensor, expected: Tensor, allowed: float) -> None:
    """`allowed`: the manifest's tolerance, absolute."""
    torch.testing.assert_close(actual, expected, rtol=0, atol=allowed)
