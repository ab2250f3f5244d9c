"""The log of the server, for people and for programs: one event a line, on stderr.

``lines`` writes an event as text or as JSON, ``limit`` leaves out what repeats itself, ``set_up`` puts both in place.
"""

from tidegate.logs.set_up import set_up

__all__ = ["set_up"]
