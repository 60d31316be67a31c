"""An operator's action, from its words to what was learned: read, approved, executed, verified."""
