"""The console: pages under ``/console/`` for people who run queues.

A page is made of answers of the Cloud Tasks API and the operator's API, asked in process through the same door as every
other call. Nothing here reads the store. Every page and every action works without JavaScript; with it, pages follow
what happens.

    application    the ASGI application: which request is answered, by which view, with which headers
    request        a request taken apart; answer    what is sent back
    same_site      which requests may change something
    calls          calls of the API in process
    views/         one module a page: from a request to the values of its template
    templates/     the pages; static/    style sheets, scripts and the two libraries
    words, bodies, charts    numbers and times in words, bodies as text, series as pictures
"""
