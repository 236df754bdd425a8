"""Engines that annotate shards: processes on this machine, or a Ray cluster."""
