"""Checks of a feature store that every evaluation makes first."""

from __future__ import annotations

from pathlib import Path

from dmin.errors import ModelError
from dmin.features import FeatureStore
from dmin.models.settings import InferenceSettings


def require_same_features(store: str | Path, settings: InferenceSettings) -> None:
    """Make sure that a store holds features of the kind that a model was trained on.

    Raises:
        ModelError: It does not.
        DataError: There is no store.
    """
    found = FeatureStore.open(store).settings
    if found != settings.features:
        flags = [
            f" and {'with' if getattr(settings, name) else 'without'} --{name}"
            for name in ("pooled", "fast")
            if getattr(found, name) != getattr(settings, name)
        ]
        raise ModelError(
            f"the model was trained on features of {settings.features}, the store {store} holds {found}: "
            f"extract the videos again with the model's backbones{''.join(flags)}"
        )
