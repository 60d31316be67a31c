"""A human yes or no, and what follows from it."""
