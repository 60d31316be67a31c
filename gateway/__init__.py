"""The only way to touch a tool."""
