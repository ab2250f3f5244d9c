import flask

import handlers
from tidegate import http_task
from tidegate.handlers import NotATaskError, RetryLater

app = flask.Flask(__name__)
app.register_error_handler(RetryLater, RetryLater.flask)
app.register_error_handler(NotATaskError, lambda error: (str(error), 400))
app.add_url_rule("/ship", view_func=handlers.ship, methods=["POST"])
app.add_url_rule("/mail/<kind>", view_func=handlers.mail, methods=["POST"])
app.add_url_rule("/crash", view_func=handlers.crash, methods=["POST"])
app.add_url_rule("/prices/<article>", view_func=handlers.reprice, methods=["PUT", "DELETE"])

SITE = "https://shop.example.com"


def order(client, queue, article, **options):
    return client.create_task(parent=queue, task=http_task(f"{SITE}/ship", json={"article": article}, **options))


def send_mail(client, queue, kind, to, *, key="sesame", lang=""):
    query = f"?lang={lang}" if lang else ""
    headers = {"X-Shop-Key": key, "Content-Type": "application/x-www-form-urlencoded"}
    task = http_task(f"{SITE}/mail/{kind}{query}", body=f"to={to}".encode(), headers=headers)
    return client.create_task(parent=queue, task=task)
