"""Published data sets in their own annotation files: one category a clip, ten seconds, splits of their own."""
