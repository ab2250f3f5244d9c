"""The examples are whole projects, which test_examples.py runs."""

collect_ignore_glob = ["examples/*"]
