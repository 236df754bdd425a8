"""What finds the entities of a source sentence."""
