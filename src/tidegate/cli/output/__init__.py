"""How answers are shown: ``formats`` reads ``--format``, the rest print."""
