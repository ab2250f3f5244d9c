"""What the engine asks of its surroundings, in its own words: the store and who shares it, the world, and who
listens.

Adapters stand in ``storage`` and ``delivery``; tests and the simulator hand in others.
"""
