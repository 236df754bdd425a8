"""The embedded aligner: hidden Markov models that learn from a bitext."""
