"""What is estimated from the rows of a study."""
