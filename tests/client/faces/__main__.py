"""Writes the public faces, ``tidegate.tasks_v2`` and its siblings, from the rows: ``make faces``.

What a method takes and answers stands in ``tidegate.schema`` once. Here it becomes source text, so that editors,
type checkers and ``help()`` see true signatures and there is nothing to look up when a method is called.
"""

from tests.client.faces.written import write

write()
