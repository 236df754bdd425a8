"""The ratio study: how F1 depends on the amounts of labelled source and of target text."""
