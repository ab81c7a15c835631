"""What a person gets back: events and matches, and the formats they are written in."""
