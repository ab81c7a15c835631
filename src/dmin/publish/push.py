"""A run folder on the Hugging Face hub: what inference needs, the recipe, each epoch's figures, and a card."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from dmin.errors import ModelError
from dmin.files import write_atomically
from dmin.hub import is_repository, using_hub
from dmin.models.pretrained import CARD_FILE, MODEL_FILES
from dmin.publish.card import is_untouched, model_card, stated_licence
from dmin.publish.run import EPOCHS_FILE, RECIPE_FILE, Run

_FILES = (*MODEL_FILES, RECIPE_FILE, EPOCHS_FILE)
"""All that is published, as far as it is there. Checkpoints, logs and caches are not."""


@dataclass(frozen=True)
class Pushed:
    """A published model."""

    repository: str
    """Its name, owner/name."""
    url: str
    """Its page."""
    commit_url: str
    files: tuple[str, ...]
    """Names of the files that were sent, or were there already."""
    card_kept: bool
    """The card is a person's: that of the run folder or, if that one is dmin's, the one on the hub."""


def push_to_hub(
    run: str | Path,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    licence: str | None = None,
) -> Pushed:
    """Publish a run; `Localizer.from_pretrained` or `Matcher.from_pretrained` of its name restores all of it.

    The card is written into the run folder as README.md, too. A card that a person has edited, there or on the hub,
    stays as it is.

    Args:
        run: A run folder of `dmin train`, finished.
        repository: Name on the hub, owner/name; the repository is made if need be.
        private: Make it a private one.
        revision: Branch to send to, made from the main one if need be; the main branch by default.
        message: Of the commit.
        licence: Of the model, as the hub names it, e.g. apache-2.0; by default the one that an earlier card of the run
            states.

    Raises:
        ModelError: The run holds no whole model, nobody is logged in, the name is no owner/name, or the hub refuses.

    Example::

        push_to_hub("runs/mine", "owner/name", licence="cc-by-4.0")
        Localizer.from_pretrained("owner/name")
    """
    check_repository(repository)
    opened = Run.open(run)
    if get_token() is None:
        raise ModelError(
            "nobody is logged in to the hub: run `hf auth login`, or set HF_TOKEN to a token that may write"
        )
    api = HfApi(library_name="dmin", library_version=version("dmin"))
    with using_hub(f"{opened.folder} was not pushed to {repository}:", revision):
        url = api.create_repo(repository, private=private or None, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise ModelError(f"{repository} is public already: make it private at {url}/settings, or give another name")
        if revision is not None:
            api.create_branch(repository, branch=revision, exist_ok=True)
        kept = _edited_card(api, opened, repository, revision)
        if kept is None:
            card = opened.folder / CARD_FILE
            before = stated_licence(card.read_text("utf-8")) if card.is_file() else None
            write_atomically(card, model_card(opened, repository, licence or before).encode())
        elif licence is not None:
            raise ModelError(
                f"got the licence {licence}, but somebody has edited the card {kept}, which stays as it is: leave "
                f"--license out, and write `license: {licence}` at the card's top"
            )
        left_out = {CARD_FILE} if kept == repository else set()
        names = [name for name in _FILES if name not in left_out and (opened.folder / name).is_file()]
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=opened.folder,
            allow_patterns=names,
            delete_patterns=[name for name in _FILES if name not in (*names, CARD_FILE)],
            revision=revision,
            commit_message=message or f"Push {type(opened.model).__name__}, trained with dmin {version('dmin')}",
        )
    return Pushed(repository, str(url), commit.commit_url, tuple(names), kept is not None)


def check_repository(name: str) -> None:
    """Make sure that a name can be one of the hub.

    Raises:
        ModelError: It cannot.
    """
    if not is_repository(name):
        raise ModelError(f"got the name {name!r}: must be owner/name, as in the address of its page on the hub")


def _edited_card(api: HfApi, run: Run, repository: str, revision: str | None) -> str | None:
    """Where a card lies that a person has edited: a path in the run folder, or the repository; None if nowhere."""
    here = run.folder / CARD_FILE
    if here.is_file() and not is_untouched(here.read_text("utf-8"), run):
        return str(here)
    with TemporaryDirectory() as aside:  # the cache may hold one from before the edit
        try:
            there = api.hf_hub_download(repository, CARD_FILE, revision=revision, cache_dir=aside)
        except LocalEntryNotFoundError:  # the hub did not answer, so there may be one
            raise
        except EntryNotFoundError:
            return None
        return None if is_untouched(Path(there).read_text("utf-8"), run) else repository
