"""Layers that only the comparison systems, or the ablations of DMIN, need."""
