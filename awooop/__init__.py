"""AwoooP: the ground (errors, kit, tenants) and the roof (console, wiring)."""
