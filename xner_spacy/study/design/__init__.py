"""The grid of a study, its jobs and the runs that fill it."""
