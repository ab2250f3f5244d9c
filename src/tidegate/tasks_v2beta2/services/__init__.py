"""The service of Cloud Tasks v2beta2."""
