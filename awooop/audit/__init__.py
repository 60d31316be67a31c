"""Append-only evidence: who did what, chained so that no change goes unseen."""
