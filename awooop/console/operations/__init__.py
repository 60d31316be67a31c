"""Incidents, the operation log, playbooks and knowledge in the console, and their REST lists."""
