"""What a task queue does: read, decide, write. It awaits only its ports."""
