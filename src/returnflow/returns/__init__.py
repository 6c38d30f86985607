"""The vocabulary of handling returns: events, facts, guards, operations."""
