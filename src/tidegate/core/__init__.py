"""What a task queue is: values and pure rules. Nothing here awaits, reads a clock, draws random numbers or does I/O."""
