"""Training: recipes, presets, the loop, and the threshold."""
