"""A folder of files into the user's own repository on the Hub, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import NetworkError, UsageError
from .client import hub_errors, list_files, require_online
from .hub_file import HubFile


def files_there(repo: HubFile) -> list[str]:
    """Those that the repository holds; none where there is no such repository yet.

    Raises:
        NetworkError: the Hub cannot be reached.
    """
    try:
        return list_files(repo)
    except NetworkError as error:
        if error.name != "hub-repo-missing":
            raise
        return []


def upload(repo: HubFile, folder: Path, files: Sequence[str], *, private: bool) -> str:
    """Make the repository where there is none, and commit the files; the address of the commit.

    Raises:
        UsageError: nobody is logged in.
        NetworkError: the Hub cannot be reached, does not accept them, or a transfer broke off.
    """
    require_online(repo)
    from huggingface_hub import CommitOperationAdd, HfApi, constants
    from huggingface_hub.errors import LocalTokenNotFoundError

    api = HfApi(endpoint=constants.ENDPOINT, library_name="ugatit-cli")
    operations = [CommitOperationAdd(name, folder / name) for name in files]
    try:
        with hub_errors(repo):
            api.create_repo(repo.repo, private=private, exist_ok=True, token=True)
            made = api.create_commit(repo.repo, operations, commit_message="Model made with ugatit", token=True)
    except LocalTokenNotFoundError as error:
        text = f"cannot upload to {repo.repo}: nobody is logged in"
        raise UsageError(text, hint="set HF_TOKEN, or log in with `hf auth login`", name="hub-no-token") from error
    except (RuntimeError, OSError) as error:  # a large file's, which goes another way than the commit
        kind = type(error.__cause__ or error).__name__
        text = f"cannot upload to {repo.repo}: the transfer broke off ({kind})"
        raise NetworkError(text, hint="run it again", name="hub-interrupted") from error
    return str(made.commit_url)
