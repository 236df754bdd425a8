"""The pages of `xner view`, and the same drawing for notebooks: sentences with their reading, links, spans and scores."""
