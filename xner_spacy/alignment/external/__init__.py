"""Links that are made elsewhere: by another program, or in a file."""
