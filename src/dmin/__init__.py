"""dmin finds audio-visual events in videos: what is both heard and seen, second by second."""
