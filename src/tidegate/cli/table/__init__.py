"""The table of commands: every command, flag and text of the client's part of the command line, as rows.

``rows`` says what a row is, ``kinds`` how values are read. ``queues``, ``tasks`` and ``places`` hold the commands of a
track (``alpha``, ``beta`` or neither), ``own`` those that only Tidegate has. ``find`` looks commands up. The parser,
the help, the completion and the man page read nothing else.
"""
