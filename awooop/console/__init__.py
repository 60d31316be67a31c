"""The top floor: the operator console and the journeys that touch several apps."""
