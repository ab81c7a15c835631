"""Tiny networks of timm and transformers with random weights, saved to folders as their libraries do it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf

TIMM = sorted(timm.list_models("test_*"))
"""Families of timm that are tiny by themselves."""
_TEXT = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
_VISION = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip
_SPEECH = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
    "conv_dim": (8, 8, 8), "conv_stride": (5, 8, 8), "conv_kernel": (10, 8, 8), "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
_PERCEPTION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "head_dim": 8,
}
_TOKENS = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id", "cls_token_id", "sep_token_id"), 0)
_SQUARE = {"height": 32, "width": 32}


def save_timm(name: str, folder: Path, **options: Any) -> Any:
    """Save a network of timm, and return it."""
    torch.manual_seed(0)
    network = timm.create_model(name, **options).eval()
    save_for_hf(network, folder, safe_serialization=True)
    return network


def _clip(t: Any) -> tuple[Any, Any]:
    config = t.CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=8)
    return t.CLIPModel(config), t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=_SQUARE)


def _siglip(t: Any) -> tuple[Any, Any]:
    config = t.SiglipConfig(text_config=_TEXT, vision_config=_VISION)
    return t.SiglipModel(config), t.SiglipImageProcessor(size=_SQUARE)


def _dinov2(t: Any) -> tuple[Any, Any]:
    return t.Dinov2Model(t.Dinov2Config(**_VISION)), t.BitImageProcessor(size={"shortest_edge": 40}, crop_size=_SQUARE)


def _dinov3(t: Any) -> tuple[Any, Any]:
    config = t.DINOv3ViTConfig(**_VISION, num_register_tokens=3)
    return t.DINOv3ViTModel(config), t.DINOv3ViTImageProcessor(size=_SQUARE)


def _vit(t: Any) -> tuple[Any, Any]:
    return t.ViTModel(t.ViTConfig(**_VISION | {"image_size": (24, 40)})), t.ViTImageProcessor(
        size={"height": 24, "width": 40}
    )


def _swin(t: Any) -> tuple[Any, Any]:
    config = t.SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4)
    return t.SwinModel(config), t.ViTImageProcessor(size=_SQUARE)


def _convnext(t: Any) -> tuple[Any, Any]:
    config = t.ConvNextConfig(hidden_sizes=[4, 8, 8, 12], depths=[1, 1, 1, 1])
    return t.ConvNextModel(config), t.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875)


def _ast(t: Any) -> tuple[Any, Any]:
    sizes = {"max_length": 300, "num_mel_bins": 32}
    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    return t.ASTModel(t.ASTConfig(**shape, **sizes)), t.ASTFeatureExtractor(**sizes)


def _clap(t: Any) -> tuple[Any, Any]:
    audio = {
        "hidden_size": 16, "patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [2, 2],
        "spec_size": 64, "num_mel_bins": 16, "projection_dim": 8, "window_size": 4, "num_classes": 4,
        "enable_fusion": True, "patch_stride": [4, 4], "patch_size": 4,
    }  # fmt: skip
    extractor = t.ClapFeatureExtractor(
        feature_size=16, sampling_rate=8000, max_length_s=3, fft_window_size=256, frequency_max=4000
    )
    return t.ClapModel(t.ClapConfig(text_config=_TEXT, audio_config=audio, projection_dim=8)), extractor


def _wav2vec2(t: Any) -> tuple[Any, Any]:
    return t.Wav2Vec2Model(t.Wav2Vec2Config(**_SPEECH)), t.Wav2Vec2FeatureExtractor()


def _hubert(t: Any) -> tuple[Any, Any]:
    return t.HubertModel(t.HubertConfig(**_SPEECH)), t.Wav2Vec2FeatureExtractor()


def _wavlm(t: Any) -> tuple[Any, Any]:
    return t.WavLMModel(t.WavLMConfig(**_SPEECH)), t.Wav2Vec2FeatureExtractor(do_normalize=False)


def _whisper(t: Any) -> tuple[Any, Any]:
    config = t.WhisperConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=16, vocab_size=60, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    return t.WhisperModel(config), t.WhisperFeatureExtractor(feature_size=16)


def _pe_audio_config(t: Any) -> Any:
    codec = {"downsampling_ratios": [5, 8, 8], "encoder_hidden_size": 4, "codebook_dim": 6}  # 50 frames a second
    return t.PeAudioEncoderConfig(dac_config=codec, **_PERCEPTION)


def _pe_video_config(t: Any) -> Any:
    return t.PeVideoEncoderConfig(vision_config={"architecture": "test_vit", "global_pool": "map"}, **_PERCEPTION)


def _hearing(t: Any) -> Any:
    return t.PeAudioFeatureExtractor(sampling_rate=16_000, hop_length=320)


def _seeing(t: Any) -> Any:
    steps = dict.fromkeys(("do_resize", "do_rescale", "do_normalize"), True)
    size = {"height": 160, "width": 160}
    return t.PeVideoVideoProcessor(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3, **steps)


def _pe_audio(t: Any) -> tuple[Any, Any]:
    return t.PeAudioModel(t.PeAudioConfig(text_config=_TEXT | _TOKENS, audio_config=_pe_audio_config(t))), _hearing(t)


def _pe_video(t: Any) -> tuple[Any, Any]:
    return t.PeVideoModel(t.PeVideoConfig(text_config=_TEXT | _TOKENS, video_config=_pe_video_config(t))), _seeing(t)


def save_both(folder: Path) -> tuple[Any, Any, Any]:
    """Save a Perception Encoder of pictures and sound; return it, and what prepares its pictures and its sound."""
    import transformers as t

    torch.manual_seed(0)
    parts = {"audio_config": _pe_audio_config(t), "video_config": _pe_video_config(t)}
    both = t.PeAudioVideoEncoderConfig(**parts, **_PERCEPTION)
    network = t.PeAudioVideoModel(t.PeAudioVideoConfig(text_config=_TEXT | _TOKENS, audio_video_config=both)).eval()
    for part in (network, _seeing(t), _hearing(t)):
        part.save_pretrained(folder)
    return network, _seeing(t), _hearing(t)


IMAGES: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "clip": _clip,
    "siglip": _siglip,
    "dinov2": _dinov2,
    "dinov3": _dinov3,
    "vit": _vit,
    "convnext": _convnext,
    "pe-video": _pe_video,
}
SOUNDS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "ast": _ast,
    "clap": _clap,
    "wav2vec2": _wav2vec2,
    "hubert": _hubert,
    "wavlm": _wavlm,
    "whisper": _whisper,
    "pe-audio": _pe_audio,
}


OTHERS = {"swin": _swin}
"""Families that are refused."""


def save_hf(family: str, folder: Path) -> tuple[Any, Any]:
    """Save a network of transformers and what prepares its input, and return both."""
    import transformers

    torch.manual_seed(0)
    network, preparation = (IMAGES | SOUNDS | OTHERS)[family](transformers)
    network.eval().save_pretrained(folder)
    preparation.save_pretrained(folder)
    return network, preparation


WORDS = "a dog barks church bell rings the sound of photo this is video silence"
VOCABULARY = ("<pad>", "<s>", "</s>", "<unk>", ".", *WORDS.split())
"""Words that the tokenizer of `save_tokenizer` knows; their places are their numbers."""


def save_tokenizer(folder: Path) -> None:
    """Save a tokenizer that splits texts into the words of `VOCABULARY`, between <s> and </s>."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


_CODE = """
from transformers import PretrainedConfig, ViTModel, ViTConfig

class MineConfig(ViTConfig):
    model_type = "mine"

class Mine(ViTModel):
    config_class = MineConfig
"""


def save_own_code(folder: Path) -> None:
    """Save a network of pictures whose code lies beside its weights."""
    network, _ = save_hf("vit", folder)
    # Under their names in the code: the library knows older names of its own networks alone.
    save_file(network.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "mine.MineConfig", "AutoModel": "mine.Mine"}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "mine", "auto_map": names}))
    (folder / "mine.py").write_text(_CODE)
