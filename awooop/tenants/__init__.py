"""Projects, the people and keys that may act for them, and the walls between them."""
