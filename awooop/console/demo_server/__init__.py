"""The demo's upstream: a small cluster and a small shop behind a real MCP server of their own."""
