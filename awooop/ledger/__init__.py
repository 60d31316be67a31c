"""Money and tokens: limits, reservations, what was spent; the database does the arithmetic."""
