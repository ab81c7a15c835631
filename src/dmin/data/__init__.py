"""Annotations, data folders, composed clips, batches."""
