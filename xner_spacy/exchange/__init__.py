"""Sentences to and from annotation tools: what to correct first, a file for the tool, and what comes back."""
