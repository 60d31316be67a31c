"""The MCP endpoint: who is let in, how requests and answers travel, calls that are called off."""
