"""The gateway in the console: providers, tools, calls, effects and kill switches."""
