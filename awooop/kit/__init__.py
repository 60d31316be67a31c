"""Domain-free tools: no models, no tenant words."""
