"""Archives of audio: how they come over the network, and what they ask of a disk."""
