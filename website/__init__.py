"""The documentation site: ``make site`` builds it from ``docs/``, the rows of the schema and the table of commands."""
