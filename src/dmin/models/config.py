"""Sizes and options of the networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dmin.errors import DminError, ModelError
from dmin.layers.inter_modality import INTER_MODALITY, CrossOptions
from dmin.layers.visual_attention import VISUAL_ATTENTION, GuideOptions

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
    """d_m, channels of encoders, DIMA and fusion."""
    heads: int = 4
    """n of eq. 9 and 11."""
    encoder_layers: int = 2
    """Layers of each intra-modality encoder."""
    feed_forward: int = 2048
    """Hidden width of eq. 10."""
    inter_modality: str = "dima"
    """Attention from one modality to the other; see `dmin.layers.inter_modality`."""
    alpha: float = 0.5
    """Weight of equal channel pairs in eq. 13."""
    mean_pairs: bool = False
    """Divide eq. 13 by d_k, as the released code does."""
    dropout: float = 0.1
    """In the encoders, MFB and the fusion."""
    cross_dropout: float = 0.02
    """In DIMA."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "width", "heads", "encoder_layers", "feed_forward")
        check_heads(self, "heads")
        check_shares(self, "dropout", "cross_dropout")
        INTER_MODALITY[self.inter_modality]
        check_within_unit(self, "alpha")

    @property
    def cross(self) -> CrossOptions:
        """Options of the inter-modality slot."""
        return CrossOptions(self.width, self.heads, self.feed_forward, self.cross_dropout, self.alpha, self.mean_pairs)


@dataclass(frozen=True)
class DMINConfig(AttentionConfig, LocalizationConfig):
    """Sizes and options of DMIN. The defaults are the paper's; where it is silent, those of its authors' code.

    Raises:
        ModelError: A size, a share or a name that no network can have.

    Example:
        >>> DMINConfig(("Dog", "Rain"), visual_size=1280, audio_size=512).categories
        2
        >>> DMINConfig.official().lstm_layers
        2
    """

    visual_attention: str = "agta"
    """Visual attention guided by the sound; see `dmin.layers.visual_attention`."""
    unimodal_heads: bool = True
    """Heads on v_self, which the unimodal loss trains (weight lambda, eq. 17-18); without it they are of no use."""
    visual_width: int | None = 512
    """Channels after the linear layer (with ReLU and dropout) before AGTA; None leaves that layer out."""
    fusion_heads: int = 4
    """Heads of the fusion, eq. 14."""
    guide_size: int = 256
    """d_o of eq. 3-7; even."""
    bottleneck: int = 256
    """d of eq. 1."""
    factors: int = 5
    """k of eq. 3."""
    lstm_layers: int = 1
    """Layers of the Bi-LSTM of eq. 6 (the released code has 2)."""
    channel_residual: bool = False
    """v^C = (M^C + 1) v instead of eq. 2, as the released code has it."""
    spatial_bias: bool = False
    """Give W_3 of eq. 7 a bias, as the released code has it."""
    mfb_dropout_first: bool = False
    """Let the dropout of eq. 3 fall on what is summed instead of on the sums, as in the released code."""
    visual_dropout: float = 0.2
    """After the linear layer before AGTA."""

    def __post_init__(self) -> None:
        super().__post_init__()
        VISUAL_ATTENTION[self.visual_attention]
        check_sizes(self, "fusion_heads", "guide_size", "bottleneck", "factors", "lstm_layers")
        if self.visual_width is not None:
            check_sizes(self, "visual_width")
        check_heads(self, "fusion_heads")
        if self.guide_size % 2:
            raise ModelError(f"guide_size is {self.guide_size}: must be even, half of it runs in each direction")
        check_shares(self, "visual_dropout")

    @property
    def outputs(self) -> int:
        """Number of category logits: C, or C + 1 under weak supervision."""
        return self.categories + (self.supervision == "weak")

    @property
    def map_width(self) -> int:
        """Channels of the visual map as AGTA sees it."""
        return self.visual_size if self.visual_width is None else self.visual_width

    @property
    def guide(self) -> GuideOptions:
        """Options of the visual-attention slot."""
        return GuideOptions(
            visual_size=self.map_width,
            audio_size=self.audio_size,
            regions=self.regions,
            size=self.guide_size,
            bottleneck=self.bottleneck,
            factors=self.factors,
            heads=self.heads,
            dropout=self.dropout,
            dropout_first=self.mfb_dropout_first,
            lstm_layers=self.lstm_layers,
            channel_residual=self.channel_residual,
            spatial_bias=self.spatial_bias,
        )

    @classmethod
    def paper(cls, **options: Any) -> DMINConfig:
        """The network as the paper describes it: the defaults, but for the options given."""
        return cls(**options)

    @classmethod
    def official(cls, **options: Any) -> DMINConfig:
        """The network of the authors' released code (the options' own words say where it differs)."""
        differences: dict[str, Any] = {
            "lstm_layers": 2,
            "mean_pairs": True,
            "channel_residual": True,
            "spatial_bias": True,
            "mfb_dropout_first": True,
        }
        if options.get("supervision") == "weak":
            differences |= {"fusion_heads": 2, "cross_dropout": 0.1}
        return cls(**(differences | options))


@dataclass(frozen=True)
class DCMRConfig(AttentionConfig, MatchingConfig):
    """Sizes and options of DCMR. The defaults are the paper's; where it is silent, those of its authors' code.

    Raises:
        ModelError: A size, a share or a name that no network can have.

    Example:
        >>> DCMRConfig(direction="v2a", visual_size=1280, audio_size=512).query_size
        1280
        >>> DCMRConfig.official("v2a").matching
        'cumulative'
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

    @classmethod
    def official(cls, direction: str, **options: Any) -> DCMRConfig:
        """The network of the authors' released code (the options' own words say where it differs)."""
        differences: dict[str, Any] = {
            "matching": "cumulative",
            "mean_pairs": True,
            "query_start": 0.0,
            "cross_dropout": 0.06 if direction == "v2a" else 0.02,
        }
        return cls(direction=direction, **(differences | options))


def check_choices(config: Any, **allowed: tuple[str, ...]) -> None:
    """Make sure that options are among those allowed.

    Raises:
        ModelError: One is not.
    """
    for name, choices in allowed.items():
        if getattr(config, name) not in choices:
            raise ModelError(f"{name} is {getattr(config, name)!r}: must be {' or '.join(map(repr, choices))}")


def check_sizes(config: Any, *names: str, error: type[DminError] = ModelError) -> None:
    """Make sure that options are at least 1.

    Raises:
        ModelError: One is not; or another ``error``.
    """
    for name in names:
        if getattr(config, name) < 1:
            raise error(f"{name} is {getattr(config, name)}: must be at least 1")


def check_within_unit(config: Any, *names: str, error: type[DminError] = ModelError) -> None:
    """Make sure that options are from 0 to 1, or None.

    Raises:
        ModelError: One is not; or another ``error``.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 <= value <= 1:
            raise error(f"{name} is {value:g}: must be within 0 and 1")


def check_heads(config: Any, *names: str) -> None:
    """Make sure that the width is a multiple of each number of heads.

    Raises:
        ModelError: One is not.
    """
    for name in names:
        if config.width % getattr(config, name):
            raise ModelError(
                f"width is {config.width} and {name} {getattr(config, name)}: the width must be a multiple of it"
            )


def check_shares(config: Any, *dropouts: str) -> None:
    """Make sure that options are at least 0 and less than 1.

    Raises:
        ModelError: One is not.
    """
    for name in dropouts:
        if not 0 <= getattr(config, name) < 1:
            raise ModelError(f"{name} is {getattr(config, name)}: must be at least 0 and less than 1")
