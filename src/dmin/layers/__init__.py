"""The paper's equations 1-14, one idea a file. Every function takes a mask [B, T], True where a second is real.

Real seconds come first in a clip, padding after them.
"""

from dmin.layers.agta import AudioGuidedTripletAttention, FactorizedBilinearPooling
from dmin.layers.attention import DenseInterModalityAttention, MultiHeadAttention, dense_keys, full_channel_pair_product
from dmin.layers.blocks import DIMA, Encoder
from dmin.layers.fusion import AudioVisualFusion
from dmin.layers.numeric import masked_max, signed_sqrt, unit_norm

__all__ = [
    "DIMA",
    "AudioGuidedTripletAttention",
    "AudioVisualFusion",
    "DenseInterModalityAttention",
    "Encoder",
    "FactorizedBilinearPooling",
    "MultiHeadAttention",
    "dense_keys",
    "full_channel_pair_product",
    "masked_max",
    "signed_sqrt",
    "unit_norm",
]
