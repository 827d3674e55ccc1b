"""How libraries say that the memory is too small: each in an exception of its own, all in words like these."""

from __future__ import annotations

from ..errors import ResourceError

WORDS = (
    *("out of memory", "can't allocate memory", "failed to allocate memory", "bad_alloc", "bad allocation"),
    *("bfcarena::allocateraw", "cublas_status_alloc_failed", "cudnn_status_alloc_failed", "invalid buffer size"),
    # of cuDNN, when no way to convolve had memory to work in; an unsupported card says the first, too
    *("unable to find an engine to execute this computation", "device_allocation_failed"),
)


def is_out_of_memory(error: BaseException) -> bool:
    """Also of a CUDA that had no memory left for a library of its own."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in WORDS)


def too_little_memory(device: str, what: str) -> ResourceError:
    hint = "use a smaller --batch-size or --size"
    return ResourceError(f"the memory of {device} is too small for {what}", hint=hint, name="out-of-memory")
