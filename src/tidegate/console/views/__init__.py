"""One module a page: from a request to the values of its template."""
