"""Google Cloud Tasks that anyone can run: every API version, over gRPC and REST, durable on disk."""

__version__ = "0.1.0"
