"""A checkpoint of the authors' released code becomes a model of dmin: `convert_official`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dmin import backbones
from dmin.errors import ModelError, unknown_name
from dmin.features import Settings
from dmin.lab.ave.files import CATEGORIES, SEGMENTS
from dmin.lab.ave.official import NETWORKS, idle_part, released_name
from dmin.lab.ave.store import RELEASED, RELEASED_VECTORS
from dmin.models import DCMR, DMIN, DCMRConfig, DMINConfig, PretrainedModel
from dmin.models.config import DIRECTIONS
from dmin.models.pretrained import WEIGHTS_FILE
from dmin.models.settings import InferenceSettings, LocalizerSettings, MatcherSettings
from dmin.training.presets import recipe_of

FEATURES = ("released", "backbones")
THRESHOLD = 0.5
"""Relevance from which the released code counts a second as event."""
KnownBy = Literal["given", "keys", "file name", "guess"]

_WRAPPERS = ("state_dict", "model")
_PREFIX = "module."
_SELF = "localize_module.classifier_self"
"""Keys that only the weak network has."""
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_SAVE = "where the released code runs, torch.save(model.state_dict(), 'weights.pt') and convert that file"
_WHOLE = "give the file that the released training wrote, whole, and say with --network which network it is of"


@dataclass(frozen=True)
class Conversion:
    """Outcome of a conversion."""

    network: str
    """full, weak, a2v or v2a."""
    known_by: KnownBy
    """Source of that knowledge; "guess": nothing told, so full was taken."""
    folder: Path
    """Folder of the model."""
    used: int
    """Number of the checkpoint's values that the model uses."""
    stored: int
    """Number of values in the checkpoint."""
    dropped: tuple[str, ...] = field(repr=False)
    """Parts of the released network that are stored and never used, by their names there."""


def convert_official(
    checkpoint: str | Path, out: str | Path, network: str | None = None, *, features: str = "released"
) -> Conversion:
    """Turn a checkpoint of the authors' released code into a folder that `from_pretrained` loads.

    The weights keep their precision. Warns if the network had to be guessed, or if the weights speak against it.

    Args:
        checkpoint: What ``torch.save`` made of a state dict, with or without ``module.`` before its names; or a
            safetensors file of the same names.
        out: Folder of the model; made if need be.
        network: full, weak, a2v or v2a, also as official-full and so on. None: by the names of its weights, else by
            the file's name, else full, as the weights of full, a2v and v2a have the same names and sizes.
        features: What the model will be given. "released": AVE's released features, as it was trained on.
            "backbones": dmin's vgg19 and vggish, nearly the same ones, so that the model takes videos.

    Raises:
        ModelError: The file is no such checkpoint, or of another network, or ``out`` holds another model.

    Example (writes model.safetensors, config.json and localizer.json)::

        convert_official("full.pt", "models/full")
        model = DMIN.from_pretrained("models/full")
    """
    path, out = Path(checkpoint), Path(out)
    if features not in FEATURES:
        raise ModelError(unknown_name("features", features, FEATURES))
    asked = None if network is None else network.removeprefix("official-")
    if asked is not None and asked not in NETWORKS:
        raise ModelError(unknown_name("network", asked, NETWORKS))
    state = read_checkpoint(path)
    chosen, known_by = _recognised(path, state) if asked is None else (asked, "given")
    with torch.device("meta"):  # names and shapes only: the weights are ready-made
        model = released_network(chosen)
    dropped = _check_names(path, state, chosen, model)
    _check_fusion(path, state, chosen, known_by)
    model.load_state_dict(_weights(path, state, chosen, model), assign=True)
    _check_folder(out, model)
    model.save_pretrained(out)
    _settings(chosen, features).save(out)
    used, stored = (sum(tensor.numel() for tensor in part.values()) for part in (model.state_dict(), state))
    return Conversion(chosen, known_by, out, used, stored, dropped)


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """Names and tensors of a checkpoint, without running any code from its pickle.

    Args:
        path: A file of ``torch.save``, or of safetensors by its ending. The tensors may lie under "state_dict" or
            "model"; ``module.`` before a name is taken off.

    Raises:
        ModelError: There is no such file, or it is something else.
    """
    path = Path(path)
    found = _loaded(path)
    if isinstance(found, Mapping):
        found = next((found[key] for key in _WRAPPERS if isinstance(found.get(key), Mapping)), found)
    if not isinstance(found, Mapping) or not found:
        kind = "nothing" if isinstance(found, Mapping) else f"a {type(found).__name__}"
        raise ModelError(f"{path} holds {kind}, it must hold tensors by name: {_SAVE}")
    state: dict[str, Tensor] = {}
    for key, value in found.items():
        if not isinstance(key, str) or not _is_dense(value):
            kind = f"{value.layout} on {value.device}" if isinstance(value, Tensor) else type(value).__name__
            raise ModelError(f"{path} holds {key!r} ({kind}), it must hold dense tensors by name: {_SAVE}")
        name = key
        while name.startswith(_PREFIX):
            name = name.removeprefix(_PREFIX)
        if name in state:
            raise ModelError(f"{path} holds {name} twice, with {_PREFIX} and without: {_SAVE}")
        state[name] = value.detach()
    return state


def _is_dense(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"


def _loaded(path: Path) -> Any:
    """Load whatever a file holds."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():  # torch's words on how a strange file is encoded, before it refuses it
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist: give the file that the released training wrote") from error
    except SafetensorError as error:
        raise ModelError(f"{path} is no safetensors file, or it is cut off: get it again") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}): give a file that can") from error
    except Exception as error:  # a file that is something else breaks the reader in ways that have no common base
        if code := re.search(r"GLOBAL (\S+)", str(error)):
            raise ModelError(
                f"{path} holds Python's {code[1]} beside tensors, and to load that would be to run it: {_SAVE}"
            ) from error
        raise ModelError(f"{path} is no checkpoint of torch.save, or it is cut off: get or save it again") from error


def _recognised(path: Path, state: Mapping[str, Tensor]) -> tuple[str, KnownBy]:
    """The network that nobody named, and how it is known."""
    if any(name.startswith(f"{_SELF}.") for name in state):
        return "weak", "keys"
    named = [network for network in ("full", *DIRECTIONS) if network in path.name.lower()]
    if len(named) == 1:
        return named[0], "file name"
    return "full", "guess"


def _check_names(path: Path, state: Mapping[str, Tensor], network: str, model: PretrainedModel) -> tuple[str, ...]:
    """Make sure that what the model needs is there, and nothing else; the parts without a use come back."""
    wanted = [released_name(name) for name in model.state_dict()]
    missing = [name for name in wanted if name not in state]
    parts = {name: idle_part(name, network) for name in state.keys() - set(wanted)}
    strange = [name for name in state if name in parts and parts[name] is None]
    if strange and all(name.startswith(f"{_SELF}.") for name in strange):
        raise ModelError(f"{path} holds {strange[0]}, so it is not of {network} but of weak: give --network weak")
    if missing and all(name.startswith(f"{_SELF}.") for name in missing):
        raise ModelError(f"{path} lacks {missing[0]}, so it is not of weak: give --network full, a2v or v2a")
    if strange:
        raise ModelError(f"{path} holds {_first(strange)}, which the released {network} does not have: {_WHOLE}")
    if missing:
        raise ModelError(f"{path} lacks {_first(missing)}, which the released {network} has: {_WHOLE}")
    return tuple(dict.fromkeys(part for name in state if (part := parts.get(name))))


def _first(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (and {len(names) - 1} more)"


def _check_fusion(path: Path, state: Mapping[str, Tensor], network: str, known_by: KnownBy) -> None:
    """Hold the network against a norm that training moves in DMIN and leaves alone in DCMR, which does not run it."""
    matching, trained = network in DIRECTIONS, _fusion_is_trained(state)
    fresh = f"AVInter.norm1 in {path} is as before training, so it is no trained {network}"
    if trained is False and not matching and known_by in ("guess", "file name"):
        raise ModelError(
            f"{fresh}: give --network a2v or --network v2a, whichever it is; --network {network} converts it anyway"
        )
    said = []
    if known_by == "guess":
        said.append(f"the weights in {path} fit full, a2v and v2a alike, and full was taken: say which with --network")
    if trained is False and not matching:
        said.append(f"{fresh}: if it is of matching, give --network a2v or --network v2a")
    if trained and matching:
        said.append(
            f"AVInter.norm1 in {path} was trained, as {network} never does: if it is of full, give --network full"
        )
    for words in said:
        warnings.warn(words, stacklevel=3)


def _fusion_is_trained(state: Mapping[str, Tensor]) -> bool | None:
    """True if its norm has left the start; None where it is not stored."""
    weight, bias = (state.get(f"AVInter.norm1.{name}") for name in ("weight", "bias"))
    return None if weight is None or bias is None else bool((weight != 1).any() | (bias != 0).any())


def _weights(path: Path, state: Mapping[str, Tensor], network: str, model: PretrainedModel) -> dict[str, Tensor]:
    """Our state dict out of theirs."""
    weights = {}
    for ours, place in model.state_dict().items():
        theirs = released_name(ours)
        tensor = state[theirs]
        if tensor.shape != place.shape or tensor.dtype not in _FLOATS:
            raise ModelError(
                f"{path}: {theirs} is {list(tensor.shape)} of {tensor.dtype}, the released {network} has "
                f"{list(place.shape)} of floats: {_WHOLE}"
            )
        if not bool(tensor.isfinite().all()):
            raise ModelError(
                f"{path}: {theirs} holds numbers that are not finite, so its training diverged or the file is damaged: "
                "give another checkpoint"
            )
        # A copy of its own: tensors that share memory would not all be saved.
        weights[ours] = tensor.clone(memory_format=torch.contiguous_format)
    return weights


def _check_folder(out: Path, model: PretrainedModel) -> None:
    """Make sure that no other model is overwritten."""
    if out.exists() and not out.is_dir():
        raise ModelError(f"{out} is a file: give a folder as --out")
    if not (out / WEIGHTS_FILE).exists():
        return
    try:
        same = type(model).from_pretrained(out).config == model.config
    except ModelError:
        same = False
    if not same:
        raise ModelError(f"{out} holds another model: give another folder as --out, or remove that one")


def released_network(name: str) -> DMIN | DCMR:
    """The authors' network, with initial weights.

    Args:
        name: full, weak, a2v or v2a.
    """
    config = recipe_of(f"official-{name}").model
    if isinstance(config, DMINConfig):
        return DMIN(replace(config, category_names=CATEGORIES))
    return DCMR(cast(DCMRConfig, config))


def _settings(network: str, features: str) -> InferenceSettings:
    matching = network in DIRECTIONS
    if features == "backbones":
        cards = backbones.cards()
        made_by = Settings.of(cards["vgg19"], cards["vggish"])
    else:
        made_by = RELEASED_VECTORS if matching else RELEASED
    if matching:
        return MatcherSettings.of(made_by, SEGMENTS)
    return LocalizerSettings.of(made_by, SEGMENTS, threshold=THRESHOLD)
