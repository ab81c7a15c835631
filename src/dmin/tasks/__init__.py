"""What is asked of a network: losses, decoding, accuracy. No network is built here."""
