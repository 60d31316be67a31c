"""One piece of agent work, from arrival to ending."""
