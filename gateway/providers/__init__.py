"""What stands behind the gateway: MCP servers, clusters, hosts, all under one Protocol."""
