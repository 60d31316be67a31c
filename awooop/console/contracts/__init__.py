"""Contracts in the console: a list of revisions, one of them, and what may be done with it."""
