from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError

configs = st.builds(
    GeneratorConfig,
    st.sampled_from(["full", "light"]),
    channels=st.integers(1, 1024),
    blocks=st.integers(1, 64),
    image_size=st.integers(4, 1024).map(lambda quarter: quarter * 4),
    affine=st.booleans(),
    unbiased=st.booleans(),
    pool=st.integers(1, 64),
    truncated=st.booleans(),
)


@given(configs)
def test_what_is_written_is_read(config: GeneratorConfig) -> None:
    assert GeneratorConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_usual_conventions_are_left_out_so_that_earlier_versions_read_the_file() -> None:
    assert set(GeneratorConfig().to_dict()) == {"variant", "channels", "blocks", "image_size"}
    assert GeneratorConfig(affine=True, unbiased=False).to_dict().items() > {"affine": True, "unbiased": False}.items()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"norm": "batch"}, "settings this version does not know: norm"),
        ({"affine": 1}, "affine must be true or false, not 1"),
        ({"unbiased": None}, "unbiased must be true or false"),
        ({"truncated": "no"}, "truncated must be true or false"),
        ({"pool": 0}, "pool must be a whole number from 1 to 64"),
        ({"pool": True}, "pool must be a whole number"),
        ({"image_size": 30}, "image_size must be a multiple of 4"),
        ({"variant": "heavy"}, "unknown generator variant"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadModelError, match=message):
        GeneratorConfig.from_dict(values)
