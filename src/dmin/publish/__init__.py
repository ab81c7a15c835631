"""A trained model for others: on the Hugging Face hub, with a card."""

from dmin.publish.push import Pushed, push_to_hub

__all__ = ["Pushed", "push_to_hub"]
