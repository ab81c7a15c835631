"""The paper's equations 1-14, one idea a file. Every function takes a mask [B, T], True where a second is real.

Real seconds come first in a clip, padding after them.
"""

from dmin.layers.agta import AudioGuidedTripletAttention, FactorizedBilinearPooling
from dmin.layers.attention import Attended, MultiHeadAttention, dense_keys, full_channel_pair_product
from dmin.layers.encoder import Encoder, EncoderConfig
from dmin.layers.fusion import AudioVisualFusion, FusionConfig
from dmin.layers.inter_modality import INTER_MODALITY, DenseInterModalityAttention, InterModality, InterModalityConfig
from dmin.layers.numeric import masked_max, signed_sqrt, unit_norm
from dmin.layers.visual_attention import VISUAL_ATTENTION, VisualAttentionConfig

__all__ = [
    "INTER_MODALITY",
    "VISUAL_ATTENTION",
    "Attended",
    "AudioGuidedTripletAttention",
    "AudioVisualFusion",
    "DenseInterModalityAttention",
    "Encoder",
    "EncoderConfig",
    "FactorizedBilinearPooling",
    "FusionConfig",
    "InterModality",
    "InterModalityConfig",
    "MultiHeadAttention",
    "VisualAttentionConfig",
    "dense_keys",
    "full_channel_pair_product",
    "masked_max",
    "signed_sqrt",
    "unit_norm",
]
