"""Results: events and matches, and the formats they are written in."""
