"""Links from another program or from a file."""
