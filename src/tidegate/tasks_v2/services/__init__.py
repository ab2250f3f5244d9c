"""The service of Cloud Tasks v2."""
