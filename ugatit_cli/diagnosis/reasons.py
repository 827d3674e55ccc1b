"""Why a process failed, in the words that matter: the library it did not find, or the last line of its traceback."""

from __future__ import annotations

import re

from .child import Answer

_NOT_FOUND = re.compile(r"([\w.+-]+\.(?:so[\d.]*|dylib|dll)): cannot open shared object file")
_MODULES_BEFORE = re.compile(r"^(?:\w+\.)+(?=\w+(?::|$))")  # onnxruntime.capi.state.Fail: ... -> Fail: ...


def reason(answer: Answer) -> str:
    """Of a fault."""
    missing = list(dict.fromkeys(match for line in answer.noise for match in _NOT_FOUND.findall(line)))
    if missing:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    return _MODULES_BEFORE.sub("", answer.fault)
