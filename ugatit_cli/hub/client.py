"""What is asked of the Hub, and what its answers and its silence mean to the user."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from .. import __version__
from ..errors import NetworkError, RefusedError
from .environment import reading_environment, start_client
from .hub_file import COMMIT, DIGEST, HubFile
from .names import is_safe_path

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata
    from huggingface_hub.errors import HfHubHTTPError

T = TypeVar("T")

ANSWER_SECONDS = 4.0  # for one answer
GIVE_UP_SECONDS = 8.0  # for all attempts at one, looking up the host's name included
PAUSES = (0.5, 1.5)  # before the second and the third attempt
MOST_REDIRECTS = 5
SLOWEST = 1000  # bytes a second; a line that brings less for the time-out is given up
_TOKEN_HINT = "set HF_TOKEN, or log in with `hf auth login`"


class UnreachableError(NetworkError):
    """There is no way to the Hub."""


class UnwellError(NetworkError):
    """The Hub says that it cannot, right now."""


class InterruptedTransferError(NetworkError):
    """A transfer ended before its end."""


@dataclass(frozen=True)
class RemoteFile:
    """A file as the Hub describes it.

    Attributes:
        commit: 40 hexadecimal digits, those of the file where it names a commit.
        etag: its sha256, or for a small file git's sha1; "" where the Hub does not say, or says anything else.
        size: None where the Hub does not say.
    """

    file: HubFile
    url: str
    commit: str
    etag: str
    size: int | None


def require_online(file: HubFile) -> None:
    """Raises NetworkError where the user has forbidden requests, or the environment makes them impossible."""
    with reading_environment():
        from huggingface_hub import constants

    logging.getLogger("huggingface_hub").setLevel(
        logging.ERROR
    )  # what it would warn of is an error of ours, or nobody's business
    if constants.is_offline_mode():
        text = f"cannot fetch {file}: it is not in the cache, and HF_HUB_OFFLINE forbids to ask the Hub"
        raise UnreachableError(text, hint="unset HF_HUB_OFFLINE, or name a file", name="hub-offline")
    start_client()


def locate(file: HubFile) -> RemoteFile:
    """Where a file is, which commit that means, and what the Hub says about its content.

    Raises:
        NetworkError: it is not there, not for this user, or the Hub cannot be reached.
    """
    require_online(file)
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(file.repo, file.file, revision=file.revision, endpoint=constants.ENDPOINT)

    def ask() -> RemoteFile:
        with hub_errors(file):
            found = get_hf_file_metadata(url, timeout=ANSWER_SECONDS, library_name="ugatit-cli")
        return _described(file, url, found)

    return _in_time(lambda: _patiently(ask), file)


def _described(file: HubFile, url: str, found: HfFileMetadata) -> RemoteFile:
    """What the Hub says; commit and digest become the names of files here, and so must be nothing else."""
    commit, etag = found.commit_hash or "", found.etag or ""
    asked = COMMIT.fullmatch(file.revision) is not None
    if COMMIT.fullmatch(commit) is None or (asked and commit != file.revision):
        text = f"cannot fetch {file}: {_host(url)} does not answer as a Hub does"
        raise NetworkError(text, hint="check HF_ENDPOINT, the proxy and the firewall", name="hub-answer")
    return RemoteFile(file, url, commit, etag if DIGEST.fullmatch(etag) else "", found.size)


def list_files(repo: HubFile) -> list[str]:
    """The names of all files of a repository, those that would leave their folder left out.

    Raises:
        NetworkError: as `locate` does.
    """
    require_online(repo)
    from huggingface_hub import HfApi, constants

    def ask() -> list[str]:
        with hub_errors(repo):
            api = HfApi(endpoint=constants.ENDPOINT, library_name="ugatit-cli")
            found = api.model_info(repo.repo, revision=repo.revision, timeout=ANSWER_SECONDS)
        return [each.rfilename for each in found.siblings or [] if is_safe_path(each.rfilename)]

    return _in_time(lambda: _patiently(ask), repo)


@dataclass(frozen=True)
class Body:
    """The answer to a request for a file, or for a part of one.

    Attributes:
        start: its first byte's place in the file.
        length: how many bytes it has; None where the server does not say.
    """

    start: int
    length: int | None
    chunks: Iterator[bytes]


@contextmanager
def open_body(remote: RemoteFile, start: int = 0, stop: int | None = None) -> Iterator[Body]:
    """Ask for bytes from `start` up to `stop` (not included); the server may begin at 0 all the same.

    Raises:
        NetworkError: while it is opened and while it is read.
        RefusedError: the server leads to a place that is less safe.
    """
    from huggingface_hub.utils import build_hf_headers

    headers = {
        **build_hf_headers(library_name="ugatit-cli", library_version=__version__),
        "Accept-Encoding": "identity",
    }
    if start or stop is not None:
        headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
    with hub_errors(remote.file), _following(remote.url, headers) as response:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            text = f"cannot fetch {remote.file}: the server sends it compressed, which nobody asked for"
            raise NetworkError(text, name="hub-answer")
        length = str(response.headers.get("Content-Length", ""))
        chunks = _paced(response.iter_raw(), remote.file)
        yield Body(_first_byte(response, remote.file), int(length) if length.isdecimal() else None, chunks)


@contextmanager
def _following(url: str, headers: dict[str, str]) -> Iterator[Any]:
    """The answer behind any redirects; the token stays with the host that it is for."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session, hf_raise_for_status

    for _ in range(MOST_REDIRECTS):
        request = get_session().stream(
            "GET", url, headers=headers, follow_redirects=False, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
        )
        with request as response:
            if not response.has_redirect_location:
                hf_raise_for_status(response)
                yield response
                return
            target = urljoin(url, response.headers["Location"])
        _check_safe(url, target)
        if _origin(target) != _origin(url):
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        url = target
    raise NetworkError(f"{_host(url)} sends in circles", hint="try later", name="hub-redirects")


def _check_safe(url: str, target: str) -> None:
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https") or (scheme == "http" and urlsplit(url).scheme == "https"):
        text = f"refused to be led from {_host(url)} to {_host(target)} without encryption"
        raise RefusedError(text, hint="check HF_ENDPOINT and the proxy", name="hub-insecure")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _host(url: str) -> str:
    return (urlsplit(url).netloc or url).rpartition("@")[2]


def _first_byte(response: Any, file: HubFile) -> int:
    """The place in the file of the first byte that comes."""
    if response.status_code != 206:
        return 0
    said = str(response.headers.get("Content-Range", ""))
    first = said.removeprefix("bytes ").partition("-")[0]
    if not first.isdecimal():
        raise NetworkError(f"cannot fetch {file}: the server does not say which part it sends", name="hub-answer")
    return int(first)


def _paced(chunks: Iterator[bytes], file: HubFile) -> Iterator[bytes]:
    """The same chunks, as long as the line brings anything worth waiting for."""
    from huggingface_hub import constants

    seconds = constants.HF_HUB_DOWNLOAD_TIMEOUT
    begun, count = time.monotonic(), 0
    for chunk in chunks:
        yield chunk
        count += len(chunk)
        now = time.monotonic()
        if now - begun >= seconds:
            if count < SLOWEST * (now - begun):
                text = f"cannot fetch {file}: {count} bytes in {now - begun:.0f} s, the line is too slow"
                raise NetworkError(text, hint="try later; what is there is kept", name="hub-slow")
            begun, count = now, 0


# ---- errors


@contextmanager
def hub_errors(file: HubFile) -> Iterator[None]:
    """Turn what the client raises about `file` into the user's errors."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

    try:
        yield
    except HfHubHTTPError as error:
        raise _refusal(file, error) from error
    except HFValidationError as error:
        text = f"{file} is no name on the Hub: {' '.join(str(error).split())}"
        raise NetworkError(text, hint="check its spelling", name="hub-name") from error
    except HTTPError as error:
        raise _silence(file, error) from error
    except ValueError as error:  # an answer that is no JSON
        text = f"cannot fetch {file}: the Hub's answer cannot be read"
        raise NetworkError(text, hint="check HF_ENDPOINT, the proxy and the firewall", name="hub-answer") from error


def _refusal(file: HubFile, error: HfHubHTTPError) -> NetworkError:
    from huggingface_hub.errors import GatedRepoError, RemoteEntryNotFoundError, RevisionNotFoundError

    status = error.response.status_code
    if isinstance(error, RemoteEntryNotFoundError):
        text = f"there is no file {file.file} in {file.repo} at {file.revision}"
        return NetworkError(text, hint=f"look at `ugatit models info hub:{file.repo}`", name="hub-file-missing")
    if isinstance(error, RevisionNotFoundError):
        return NetworkError(f"{file.repo} has no revision {file.revision}", hint="leave it out", name="hub-no-revision")
    if isinstance(error, GatedRepoError) or status == 403:
        text = f"{file.repo} is closed to you (HTTP {status})"
        hint = f"ask for access on its page on the Hub, then {_TOKEN_HINT}"
        return NetworkError(text, hint=hint, name="hub-gated")
    if status in (401, 404):
        text = f"the Hub has no repository {file.repo}, or it is not for everybody (HTTP {status})"
        return NetworkError(text, hint=f"check its spelling; if it is private, {_TOKEN_HINT}", name="hub-repo-missing")
    if status == 429 or status >= 500:
        text = (
            f"cannot fetch {file}: the Hub {'is asked too often' if status == 429 else 'has a fault'} (HTTP {status})"
        )
        return UnwellError(text, hint="try later; what is there is kept", name="hub-unwell")
    return NetworkError(f"cannot fetch {file}: the Hub answers HTTP {status}", hint="try later", name="hub-answer")


def _silence(file: HubFile, error: Exception) -> NetworkError:
    """No answer, or not the whole of it. The client's types tell where it happened; its texts are for programmers."""
    kind = type(error).__name__
    if kind in ("ReadTimeout", "ReadError", "RemoteProtocolError", "WriteError"):
        text = f"cannot fetch {file}: the connection broke off or fell silent ({kind})"
        return InterruptedTransferError(text, hint="try again; what is there is kept", name="hub-interrupted")
    if kind == "TooManyRedirects":
        return NetworkError(f"cannot fetch {file}: the Hub sends in circles", hint="try later", name="hub-redirects")
    return _unreachable(file, kind)


def _unreachable(file: HubFile, reason: str) -> UnreachableError:
    from huggingface_hub import constants

    text = f"cannot fetch {file}: {_host(constants.ENDPOINT)} cannot be reached ({reason})"
    return UnreachableError(text, hint="check the network, HF_ENDPOINT and the proxy", name="hub-unreachable")


# ---- patience


def _patiently(ask: Callable[[], T]) -> T:
    """Ask again where the Hub is only unwell, or hung up."""
    for pause in PAUSES:
        try:
            return ask()
        except (UnwellError, InterruptedTransferError):
            time.sleep(pause)
    return ask()


def _in_time(ask: Callable[[], T], file: HubFile) -> T:
    """The answer, if it comes in time: looking up a host's name knows no limit of its own."""
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((ask(), None))
        except BaseException as error:  # noqa: BLE001 - raised again, over there
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=GIVE_UP_SECONDS)
    except queue.Empty:
        raise _unreachable(file, "no answer") from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # no error, so it is an answer
