"""A trained model for others: on the Hugging Face hub with a card, or as one ONNX file."""

from dmin.publish.export import Exported, export_onnx
from dmin.publish.push import Pushed, push_to_hub

__all__ = ["Exported", "Pushed", "export_onnx", "push_to_hub"]
