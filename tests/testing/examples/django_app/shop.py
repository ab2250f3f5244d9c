import django
from django.conf import settings
from django.urls import path

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["shop.example.com"],
        MIDDLEWARE=["tidegate.handlers.django.RetryLaterMiddleware"],
        ROOT_URLCONF="shop",
        SECRET_KEY="of tests",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    django.setup()

from django.core.wsgi import get_wsgi_application

import handlers
from tidegate import http_task

SITE = "https://shop.example.com"

urlpatterns = [
    path("ship", handlers.ship),
    path("charge", handlers.charge),
    path("orders/<int:number>", handlers.cancel),
    path("search", handlers.search),
]
application = get_wsgi_application()


def send(client, queue, where, number=None, **options):
    given = {} if number is None else {"json": {"order": number}}
    return client.create_task(parent=queue.name, task=http_task(f"{SITE}{where}", **given, **options))
