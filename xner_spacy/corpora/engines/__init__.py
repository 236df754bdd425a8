"""What annotates shards: processes on this machine, or a Ray cluster."""
