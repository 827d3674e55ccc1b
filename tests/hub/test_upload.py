"""What a Hub does with an upload, beside taking it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub.loopback import LoopbackHub

from ugatit_cli.errors import NetworkError
from ugatit_cli.hub.hub_file import HubFile
from ugatit_cli.hub.upload import upload


@pytest.mark.parametrize("by_xet", [False, True])
def test_a_large_file_that_does_not_arrive(
    by_xet: bool, loopback: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not by_xet)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    loopback.large_files = True
    (tmp_path / "weights.safetensors").write_bytes(bytes(1000))
    with pytest.raises(NetworkError, match="cannot upload to me/new: the transfer broke off") as caught:
        upload(HubFile("me/new"), tmp_path, ["weights.safetensors"], private=False)
    assert (caught.value.name, loopback.uploads) == ("hub-interrupted", {})
    assert any("xet" in request.path for request in loopback.requests) is by_xet
