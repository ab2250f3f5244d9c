"""Lists: which queues a filter chooses, and where the next page begins."""

from tidegate.core.listing.evaluation import Chooser, compile_filter, read_time
from tidegate.core.listing.fields import FieldKind, FilterField, Schema, plain
from tidegate.core.listing.tokens import PAGE_TOKEN_LIFE, page_token, read_page_token

__all__ = [
    "PAGE_TOKEN_LIFE",
    "Chooser",
    "FieldKind",
    "FilterField",
    "Schema",
    "compile_filter",
    "page_token",
    "plain",
    "read_page_token",
    "read_time",
]
