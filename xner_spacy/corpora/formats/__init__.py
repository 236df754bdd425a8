"""The layouts of corpora: columns, JSON lines of annotation tools, tokenised text."""
