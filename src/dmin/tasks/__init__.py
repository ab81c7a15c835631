"""Tasks of networks: losses, decoding, accuracy. No network is built here."""
