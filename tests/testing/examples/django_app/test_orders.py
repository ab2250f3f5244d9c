"""Django: a view sees what the test has in its database transaction, for it runs in the test's thread."""

import json
import os

import django
import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpResponse
from django.urls import path

from tidegate import http_task

BROKEN = os.environ.get("BROKEN_HANDLER") == "1"

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of tests",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    django.setup()


def ship(request):
    if BROKEN:
        return HttpResponse(status=500)
    number = json.loads(request.body)["order"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET shipped = 1 WHERE number = %s", [number])
        return HttpResponse(status=204 if cursor.rowcount else 404)


urlpatterns = [path("ship", ship)]
application = get_wsgi_application()


@pytest.mark.parametrize("number", range(20))
def test_a_view_sees_the_transaction_of_the_test(tidegate, number: int) -> None:
    tidegate.app = application
    queue = tidegate.queue(max_attempts=1)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (number INTEGER, shipped INTEGER DEFAULT 0)")
        cursor.execute("INSERT INTO orders (number) VALUES (%s)", [number])
        with tidegate.client() as client:
            client.create_task(parent=queue.name, task=http_task("http://shop.test/ship", json={"order": number}))
        tidegate.run()
        cursor.execute("SELECT shipped FROM orders WHERE number = %s", [number])
        shipped = cursor.fetchone()
        transaction.set_rollback(True)
    assert shipped == (1,)
