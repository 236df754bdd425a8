"""The student: its network, tags, losses and decoding."""
