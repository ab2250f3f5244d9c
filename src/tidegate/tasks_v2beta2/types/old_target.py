"""Nothing; there is a module of this name in Google's client."""

__all__: list[str] = []
