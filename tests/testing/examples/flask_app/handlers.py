"""The views of a Flask shop."""

from flask import abort, jsonify, request

from tidegate.handlers import TaskRequest, retry_after

STOCK = {}
SHIPPED = []
MAILS = []


def ship():
    task = TaskRequest.from_headers(request.headers)
    order = request.get_json()
    article = order["article"]
    if article not in STOCK:
        abort(404)
    if STOCK[article] == 0:
        STOCK[article] = 1  # it will have come by then
        retry_after(300, "sold out")
    STOCK[article] -= 1
    SHIPPED.append((article, task.retry_count))
    return "", 204


def mail(kind):
    if request.headers.get("X-Shop-Key") != "sesame":
        abort(403)
    MAILS.append((kind, request.args.get("lang", "en"), request.form.get("to")))
    return jsonify(sent=True)


def crash():
    MAILS.append("crash")
    raise ZeroDivisionError("one half of nothing")


def reprice(article):
    if request.method == "DELETE":
        STOCK.pop(article)
    else:
        STOCK[article] = int(request.get_data())
    return {"article": article}, 200
