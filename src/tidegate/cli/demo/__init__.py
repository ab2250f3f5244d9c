"""``tidegate demo``: a server, a handler that fails at times, some thousand tasks, and a check of the guarantees.

``plan`` says what is sent and how the handler will behave, ``server`` and ``link`` run and call a server, ``handler``
answers it and writes down what arrives, ``findings`` judges that, ``screen`` shows it, ``command`` leads through.
"""

from tidegate.cli.demo.command import demo

__all__ = ["demo"]
