"""What a task queue is: values and pure rules. No await, no clock, no dice, no I/O."""
