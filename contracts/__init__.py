"""What agents, tools, policies, channels and runs have promised."""
