"""The wizard on a real pseudo-terminal."""
