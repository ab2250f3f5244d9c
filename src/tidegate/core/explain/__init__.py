"""Why a task does not run, or when it will: reasons as values, made from what the engine knows of one moment."""
