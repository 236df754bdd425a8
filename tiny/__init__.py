"""Made-up models and tables that tests and benchmarks share."""
