"""Sizes and options of the networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any, TypeVar, get_type_hints

from dmin.checks import check_choices, check_heads, check_shares, check_sizes
from dmin.errors import DminError, ModelError, unknown_name
from dmin.layers import EncoderConfig, FusionConfig, InterModalityConfig, VisualAttentionConfig

SUPERVISIONS = ("full", "weak")
DIRECTIONS = ("a2v", "v2a")
MATCHINGS = ("windowed", "cumulative")
PROTOCOLS = ("context", "strict")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Feature sizes shared by all networks."""

    visual_size: int = 512
    """D_v, channels of the visual map, which matching takes averaged over its regions (VGG-19 pool5: 512)."""
    audio_size: int = 128
    """D_a, channels of the audio feature (VGGish: 128)."""

    def __post_init__(self) -> None:
        check_sizes(self, "visual_size", "audio_size")


@dataclass(frozen=True)
class LocalizationConfig(NetworkConfig):
    """Options shared by all networks of event localization."""

    category_names: tuple[str, ...] = ()
    """Names of the C categories, in the order of the logits. Training takes those of its data."""
    supervision: str = "full"
    """"full": labels of every second. "weak": of whole clips; then background is a category."""
    regions: int = 49
    """R = H W of the visual map, on which AGVA's size depends."""

    def __post_init__(self) -> None:
        # JSON and YAML know no tuples.
        object.__setattr__(self, "category_names", tuple(self.category_names))
        super().__post_init__()
        names = self.category_names
        if not all(isinstance(name, str) and name for name in names):
            raise ModelError(f"category_names is {list(names)}: must be names, none of them empty")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ModelError(f"category_names has {', '.join(twice)} more than once: each name may stand once")
        check_choices(self, supervision=SUPERVISIONS)
        check_sizes(self, "regions")

    @property
    def categories(self) -> int:
        """C, how many categories there are."""
        return len(self.category_names)


@dataclass(frozen=True)
class MatchingConfig(NetworkConfig):
    """Options shared by all networks of cross-modality localization."""

    direction: str = "a2v"
    """"a2v": a piece of sound is found in the picture. "v2a": a piece of the picture is found in the sound."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self, direction=DIRECTIONS)

    @property
    def query_size(self) -> int:
        """Channels of the query's modality."""
        return self.audio_size if self.direction == "a2v" else self.visual_size


@dataclass(frozen=True, kw_only=True)
class AttentionConfig(NetworkConfig):
    """Options shared by DMIN and DCMR: encoders of each modality, and the attention between them."""

    width: int = 256
    """d_m, channels of the encoders, the inter-modality attention and the fusion."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """Encoder of each modality (eq. 9-10)."""
    inter_modality: InterModalityConfig = field(default_factory=InterModalityConfig)
    """Attention from one modality to the other (eq. 10-13)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width")
        self._check_heads("encoder", "inter_modality")

    def _check_heads(self, *parts: str) -> None:
        check_heads(self.width, **{f"{part}.heads": getattr(self, part).heads for part in parts})


@dataclass(frozen=True)
class DMINConfig(AttentionConfig, LocalizationConfig):
    """Sizes and options of DMIN. The defaults are the paper's; where it is silent, those of its authors' code.

    Raises:
        ModelError: A size, a share or a name that no network can have.

    Example:
        >>> config = DMINConfig(("Dog", "Rain"), visual_size=1280, encoder=EncoderConfig(layers=1))
        >>> config.categories, config.encoder.heads
        (2, 4)
    """

    visual_width: int | None = 512
    """Channels after the linear layer (with ReLU and dropout) before the visual attention; None leaves it out."""
    visual_dropout: float = 0.2
    """After that linear layer."""
    visual_attention: VisualAttentionConfig = field(default_factory=VisualAttentionConfig)
    """Visual attention guided by the sound (eq. 1-8)."""
    fusion: FusionConfig = field(default_factory=FusionConfig)
    """Fusion of both modalities (eq. 14)."""
    unimodal_heads: bool = True
    """Heads on v_self, which the unimodal loss trains (weight lambda, eq. 17-18); without it they are of no use."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.visual_width is not None:
            check_sizes(self, "visual_width")
        check_shares(self, "visual_dropout")
        self._check_heads("fusion")

    @property
    def outputs(self) -> int:
        """Number of category logits: C, or C + 1 under weak supervision."""
        return self.categories + (self.supervision == "weak")

    @property
    def map_width(self) -> int:
        """Channels of the visual map as the visual attention sees it."""
        return self.visual_size if self.visual_width is None else self.visual_width


@dataclass(frozen=True)
class DCMRConfig(AttentionConfig, MatchingConfig):
    """Sizes and options of DCMR. The defaults are the paper's; where it is silent, those of its authors' code.

    Raises:
        ModelError: A size, a share or a name that no network can have.

    Example:
        >>> DCMRConfig(direction="v2a", visual_size=1280, audio_size=512).query_size
        1280
    """

    matching: str = "windowed"
    """"windowed": each window has products of its own, as eq. 19 says. "cumulative": a second is multiplied by all
    query values that ever lay over it, as in the released code."""
    protocol: str = "context"
    """"context": the whole clip of the query's modality feeds both attentions, as in the released code. "strict": only
    the query's own seconds do."""
    query_start: float = 1.0
    """Initial bias of the query's last LayerNorm. Its mean scales every score, so learning stalls from 0, where the
    released code starts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self, matching=MATCHINGS, protocol=PROTOCOLS)


Config = TypeVar("Config")


def config_from(kind: type[Config], options: Mapping[str, Any], error: type[DminError] = ModelError) -> Config:
    """Build a dataclass from plain data; nested dataclasses are mappings, of which some fields may be left out.

    Args:
        kind: The dataclass.
        options: Its fields.
        error: Raised for an unknown field.

    Raises:
        ModelError: An unknown field (or ``error``), or a value that the dataclass refuses.

    Example:
        >>> config_from(DMINConfig, {"width": 64, "encoder": {"layers": 1}}).encoder
        EncoderConfig(layers=1, heads=4, hidden=2048, dropout=0.1)
    """
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in types:
            raise error(f"{kind.__name__}: {unknown_name('option', name, types)}")
        nested = is_dataclass(types[name]) and isinstance(value, Mapping)
        values[name] = config_from(types[name], value, error) if nested else value
    return kind(**values)
