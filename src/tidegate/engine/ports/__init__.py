"""What the engine asks of its surroundings, in its own words: the store, the world, and who listens.

Adapters stand in ``storage`` and ``delivery``; tests and the simulator hand in others.
"""
