"""The steps from an empty file to today's tables, in the order of their names; each runs once, in a transaction."""
