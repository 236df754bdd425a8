"""Several teachers as one, prototypes, and which sentences to learn from."""
