"""Approvals in the console: what waits for a decision, deciding, and what was decided."""
