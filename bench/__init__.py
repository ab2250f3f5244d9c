"""One tool that measures a server: ``make bench``, or ``python -m bench`` with the benchmarks to run.

The speed of a machine that others use too changes by the hour. So every throughput stands beside a floor, what the
work must cost at least, measured in the same run by turns with it; what counts is their ratio.

Each benchmark is a module with ``measure``, which yields rows; its docstring says what it measures.
"""
