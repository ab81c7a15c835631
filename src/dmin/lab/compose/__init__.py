"""Clips whose truth is known to the second, out of banks of pictures and sounds; and the demo."""
