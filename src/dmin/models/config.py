"""Sizes and options of DMIN."""

from __future__ import annotations

from dataclasses import dataclass

from dmin.errors import ModelError


@dataclass(frozen=True)
class DMINConfig:
    """Sizes and options of DMIN. The defaults are the paper's; where it is silent, those of its authors' code."""

    category_names: tuple[str, ...] = ()
    """Names of the C categories, in the order of the logits."""
    visual_size: int = 512
    """D_v, channels of the visual map (VGG-19 pool5: 512)."""
    audio_size: int = 128
    """D_a, channels of the audio feature (VGGish: 128)."""
    visual_width: int = 512
    """Channels after the linear layer before AGTA."""
    width: int = 256
    """d_m, channels of encoders, DIMA and fusion."""
    heads: int = 4
    """n of eq. 9 and 11."""
    fusion_heads: int = 4
    """Heads of the fusion, eq. 14."""
    encoder_layers: int = 2
    """Layers of each intra-modality encoder."""
    feed_forward: int = 2048
    """Hidden width of eq. 10."""
    guide_size: int = 256
    """d_o of eq. 3-7."""
    bottleneck: int = 256
    """d of eq. 1."""
    factors: int = 5
    """k of eq. 3."""
    lstm_layers: int = 1
    """Layers of the Bi-LSTM of eq. 6 (the released code has 2)."""
    alpha: float = 0.5
    """Weight of equal channel pairs in eq. 13."""
    mean_pairs: bool = False
    """Divide eq. 13 by d_k, as the released code does."""
    channel_residual: bool = False
    """v^C = (M^C + 1) v instead of eq. 2, as the released code has it."""
    spatial_bias: bool = False
    """Give W_3 of eq. 7 a bias, as the released code has it."""
    visual_dropout: float = 0.2
    """After the linear layer before AGTA."""
    dropout: float = 0.1
    """In MFB, the encoders and the fusion."""
    cross_dropout: float = 0.02
    """In DIMA."""

    def __post_init__(self) -> None:
        # JSON and YAML know no tuples.
        object.__setattr__(self, "category_names", tuple(self.category_names))
        for heads in ("heads", "fusion_heads"):
            if self.width % getattr(self, heads):
                raise ModelError(
                    f"width is {self.width} and {heads} {getattr(self, heads)}: the width must be a multiple of it"
                )
        if self.guide_size % 2:
            raise ModelError(f"guide_size is {self.guide_size}: must be even, half of it runs in each direction")

    @classmethod
    def official(cls, **options: object) -> DMINConfig:
        """The network of the authors' released code (see the options' own words for where it differs)."""
        differences = {"lstm_layers": 2, "mean_pairs": True, "channel_residual": True, "spatial_bias": True}
        return cls(**(differences | options))  # type: ignore[arg-type]  # the options are checked by the dataclass
