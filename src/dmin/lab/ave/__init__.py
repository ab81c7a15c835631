"""AVE's released files, and the released checkpoints."""
