"""Environment variables that change what the program and its libraries do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from .findings import Finding, note, ok

PREFIXES = (
    "UGATIT_", "HF_", "HUGGING_FACE_", "CUDA_", "NVIDIA_", "CUBLAS_", "CUDNN_", "OMP_", "MKL_", "OPENBLAS_", "KMP_",
    "ORT_", "ONNX_", "ONNXRUNTIME_", "OV_", "OPENVINO_", "TORCH_", "PYTORCH_", "OPENCV_", "MALLOC_", "GLIBC_TUNABLES",
)  # fmt: skip
NAMES = {
    "PYTHONPATH", "PYTHONHOME", "TMPDIR", "XDG_CACHE_HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "NO_COLOR", "FORCE_COLOR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
}  # fmt: skip
OWN = {"OPENBLAS_NUM_THREADS": "1"}  # what the program itself sets, where the user has not
HIDDEN = "(hidden)"
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH|(?:^|_)KEY", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\bhf_\w{8,}|(?<=//)[^/@\s]+(?=@)")  # a Hub token; name and password in an address


def variable_findings(environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Those that are set, secrets hidden."""
    for name, value in sorted((os.environ if environment is None else environment).items()):
        if OWN.get(name) != value and (name.startswith(PREFIXES) or name.upper() in NAMES):
            text = f"{name}={shown(name, value)}"
            effect = _effect(name, value, _cores())
            facts = {"value": shown(name, value)}
            yield note(name, f"{text}: {effect}", f"unset {name}", **facts) if effect else ok(name, text, **facts)


def shown(name: str, value: str) -> str:
    return HIDDEN if _SECRET_NAME.search(name) and value else _SECRET_VALUE.sub(HIDDEN, value)


def _effect(name: str, value: str, cores: int) -> str:
    """What surprises people about this value; "" if nothing."""
    if name == "CUDA_VISIBLE_DEVICES" and value.strip() in ("", "-1"):
        return "hides every GPU"
    if name == "OMP_NUM_THREADS" and value.isdecimal() and 0 < int(value) < cores:
        return f"only {int(value)} of {cores} cores {'is' if int(value) == 1 else 'are'} used"
    if name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") and value.upper() in ("1", "ON", "YES", "TRUE"):
        return "nothing is downloaded"
    return ""


def _cores() -> int:
    """Those that this process may use, whatever the variables say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
