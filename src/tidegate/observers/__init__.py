"""Who listens to the engine's events, and what callers may ask them: what happened, and how much over time."""
