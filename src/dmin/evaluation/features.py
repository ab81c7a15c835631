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
        flag = f" and {'with' if settings.pooled else 'without'} --pooled" if found.pooled != settings.pooled else ""
        raise ModelError(
            f"the model was trained on features of {settings.features}, the store {store} holds {found}: "
            f"extract the videos again with the model's backbones{flag}"
        )
