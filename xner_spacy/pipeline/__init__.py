"""The five factories of spaCy pipelines."""
