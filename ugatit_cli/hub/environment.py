"""What the environment tells the Hub's client, which reads it when it is imported and started: it may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from ..errors import NetworkError


class SetupError(NetworkError):
    """The environment names a Hub, a proxy or certificates that cannot be used."""


@contextmanager
def reading_environment() -> Iterator[None]:
    """Turn what the client raises while it is imported and started into the user's error."""
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        text = f"cannot ask the Hub: {reason[:1].lower()}{reason[1:]}"
        hint = "check HF_ENDPOINT, the proxy variables and SSL_CERT_FILE"
        raise SetupError(text, hint=hint, name="hub-setup") from error


def start_client() -> None:
    """Raises SetupError where no request can be made."""
    from urllib.request import getproxies  # slow to import

    with reading_environment():
        from huggingface_hub import constants
        from huggingface_hub.utils import get_session

        parts = urlsplit(constants.ENDPOINT)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = constants.ENDPOINT.rpartition("@")[2]  # without a password
            raise ValueError(f"an address begins with https://, and HF_ENDPOINT is {shown!r}")
        for proxy in getproxies().values():
            _ = urlsplit(proxy).port  # a ValueError where it is none, which the client's own error is not
        get_session()
