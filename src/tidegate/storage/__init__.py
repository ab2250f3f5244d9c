"""Stores for real: the engine's ``Store`` port on SQLite. Adapters hold no rules."""
