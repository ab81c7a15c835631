"""The web page: drop a video, see and hear its events, take them along in any format. Extra ``web``."""
