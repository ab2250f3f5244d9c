"""Lists that fetch their next page when it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from tidegate.client.defaults import DEFAULT

if TYPE_CHECKING:
    from tidegate.client.defaults import OptionalAsyncRetry, OptionalRetry, Timeout

Page = TypeVar("Page")
Item = TypeVar("Item")


class _Pages(Generic[Page]):
    """A request, and the latest answer to it."""

    _request_type: ClassVar[type[Any]]
    _items: ClassVar[str]  # the field of a page that holds its items

    _method: Any
    _response: Any

    def __getattr__(self, name: str) -> Any:
        """What the latest page has, such as ``next_page_token``."""
        if name == "_response":  # copying asks for it before there is a page
            raise AttributeError(name)
        return getattr(self._response, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}<{self._response!r}>"

    def _start(self, method: Any, request: Any, response: Any, **options: Any) -> None:
        self._method = method
        self._request = self._request_type(request)  # a copy, because its page token will change
        self._response = response
        self._options = options

    def _next(self) -> Any:
        self._request.page_token = self._response.next_page_token
        return self._method(self._request, **self._options)


class Pager(_Pages[Page], Generic[Page, Item]):
    """The items of all pages, one after the other; errors of later pages rise while iterating.

    Iterated again, it starts from the latest page.
    """

    def __init__(
        self,
        method: Callable[..., Page],
        request: Any,
        response: Page,
        *,
        retry: OptionalRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        self._start(method, request, response, retry=retry, timeout=timeout, metadata=metadata)

    @property
    def pages(self) -> Iterator[Page]:
        """The responses, from the latest on."""
        yield self._response
        while self._response.next_page_token:
            self._response = self._next()
            yield self._response

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages:
            yield from getattr(page, self._items)


class AsyncPager(_Pages[Page], Generic[Page, Item]):
    """The items of all pages, one after the other; errors of later pages rise while iterating.

    Iterated again, it starts from the latest page.
    """

    def __init__(
        self,
        method: Callable[..., Awaitable[Page]],
        request: Any,
        response: Page,
        *,
        retry: OptionalAsyncRetry = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        self._start(method, request, response, retry=retry, timeout=timeout, metadata=metadata)

    @property
    async def pages(self) -> AsyncIterator[Page]:
        """The responses, from the latest on."""
        yield self._response
        while self._response.next_page_token:
            self._response = await self._next()
            yield self._response

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages:
            for item in getattr(page, self._items):
                yield item
