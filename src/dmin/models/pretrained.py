"""Saving and loading: weights as safetensors beside a readable config.json, from a folder or the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self, get_type_hints

import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dmin.errors import DataError, ModelError
from dmin.hub import download, is_repository
from dmin.layers.numeric import widened
from dmin.models.config import config_from
from dmin.models.settings import LocalizerSettings, MatcherSettings

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "README.md"
MODEL_FILES = (CONFIG_FILE, WEIGHTS_FILE, LocalizerSettings.FILE, MatcherSettings.FILE, CARD_FILE)
"""All that inference reads of a model's folder, and its card; of the settings, a folder holds those of its task."""
_GIVE = "give a folder that `dmin train` or save_pretrained wrote"


_CARD = """---
{{ card_data }}
---

# {{ network }}, {{ "a network of" if parameters == "0" else "trained with" }} dmin

- **Network**: {{ network }}, {{ parameters }} parameters; its sizes are in `config.json`.
{% if categories %}- **Categories**: {{ categories }}.
{% endif %}- **Recipe**: `train.yaml`, where `dmin train` wrote this folder.
- **Scores**: not known to this card; `dmin evaluate FOLDER STORE --split test` finds them.
- **Use**: `dmin list systems` says what the network is, `from_pretrained` of dmin loads it.
"""
"""Text of a model card before anybody has written one."""


class PretrainedModel(nn.Module, PyTorchModelHubMixin, library_name="dmin"):
    """A network that one configuration dataclass rebuilds; subclasses name it as ``config_type``.

    ``save_pretrained(folder)``, ``from_pretrained(folder or hub id)`` and ``push_to_hub(hub id)`` are the hub's own.
    The last one sends the network alone; `dmin.publish.push_to_hub` sends all that inference needs.
    """

    config_type: ClassVar[type[Any]]
    """The frozen dataclass that the constructor takes."""
    config: Any
    """The configuration of this network."""

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Write model.safetensors, config.json and (if there is none) a model card README.md.

        Everything is written aside first: a full disk or a kill leaves what was there before as it was.

        Args:
            save_directory: The folder; made if need be.
            options: The mixin's own.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".saving-") as aside:
            super().save_pretrained(aside, **options)
            for file in sorted(Path(aside).iterdir()):
                if file.name != CARD_FILE or not (folder / file.name).exists():
                    file.replace(folder / file.name)

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """The card of a new folder; its owner may say more."""
        card: ModelCard = ModelCard.from_template(
            card_data=self._hub_mixin_info.model_card_data,
            template_str=_CARD,
            network=type(self).__name__,
            parameters=f"{self.parameter_count:,}",
            categories=", ".join(getattr(self.config, "category_names", ())),
        )
        return card

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        text = json.dumps({"model": type(self).__name__, **asdict(self.config)}, indent=2, ensure_ascii=False)
        (save_directory / CONFIG_FILE).write_text(text + "\n", "utf-8")

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """Load weights and configuration; the network is in evaluation mode.

        Weights saved in double precision (a converted checkpoint of the released code) stay so, half precision becomes
        float32.

        Args:
            pretrained_model_name_or_path: A folder, or a repository id of the Hugging Face hub (owner/name).
            options: For the hub: revision, token, cache_dir, local_files_only, force_download.

        Raises:
            ModelError: Nothing is there, or what is there is another network.
        """
        folder = folder_of(str(pretrained_model_name_or_path), **options)
        model = cls(cls._read_config(folder / CONFIG_FILE))
        weights = folder / WEIGHTS_FILE
        try:
            state = _widened(load_file(weights))
            if any(tensor.dtype == torch.float64 for tensor in state.values()):
                model.double()
            model.load_state_dict(state)
        except FileNotFoundError as error:
            raise ModelError(f"no {WEIGHTS_FILE} in {folder}: {_GIVE}") from error
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise ModelError(
                f"{weights} does not hold the weights of the network in {CONFIG_FILE} ({reason}): {_GIVE}"
            ) from error
        return model.eval()

    @classmethod
    def _read_config(cls, path: Path) -> Any:
        data = read_config(path.parent)
        found = data.pop("model")
        if found != cls.__name__:
            raise ModelError(f"{path} is not the configuration of a {cls.__name__} but of a {found}: {_GIVE}")
        parts = [name for name, kind in get_type_hints(cls.config_type).items() if is_dataclass(kind)]
        if any(not isinstance(data.get(name, {}), dict) for name in parts) or (parts and not data.keys() & set(parts)):
            raise ModelError(
                f"{path} was written by dmin 0.1.0, whose networks this version does not read: make it anew with "
                "`dmin train STORE --preset PRESET --out RUN`, or with `dmin convert` if it was converted"
            )
        try:
            return config_from(cls.config_type, data, DataError)
        except DataError as error:  # an unknown option
            raise ModelError(f"{path}: {error}; a newer dmin may know it") from error
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        except TypeError as error:
            raise ModelError(f"{path} does not fit {cls.config_type.__name__} ({error})") from error


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json: the network's class as "model", and its options.

    Raises:
        ModelError: It is missing, damaged, or no network's.
    """
    path = folder / CONFIG_FILE
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"no {CONFIG_FILE} in {folder}: {_GIVE}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): restore it, or {_GIVE}") from error
    if not isinstance(data, dict) or not isinstance(data.get("model"), str):
        raise ModelError(f"{path} is no network's configuration: {_GIVE}")
    return data


def _widened(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: widened(tensor) for name, tensor in state.items()}


def folder_of(name: str, give: str = _GIVE, revision: str | None = None, **options: Any) -> Path:
    """The folder of that name, or of a copy of that repository of the hub.

    Args:
        name: A folder, or a repository id of the Hugging Face hub (owner/name).
        give: What may be given, for the message.
        revision: Branch, tag or commit of the repository; its main branch by default.
        options: For the hub: token, cache_dir, local_files_only, force_download.

    Raises:
        ModelError: There is neither, the hub cannot be reached, or a folder is asked for a revision.
    """
    if Path(name).is_dir():
        if revision is not None:
            raise ModelError(f"got revision {revision!r} of {name}, which is a folder: only models of the hub have any")
        return Path(name)
    if Path(name).exists() or not is_repository(name):
        raise ModelError(f"no model {name!r}: {give}, or a repository id of the Hugging Face hub (owner/name)")
    return download(name, MODEL_FILES, revision=revision, **options)
