"""``tidegate dev``: from nothing to a working queue in one command.

``setup`` makes settings of the command line, ``emulator`` reads that of another emulator, ``banner`` says how to use
what runs, ``attempts`` shows each attempt.
"""
