"""The handlers. Each gets the shop and the request."""


def ship(shop, request):
    order = request.json["order"]
    if order < 0:
        return 422
    if order in shop.refused:
        shop.refused[order] -= 1
        if not shop.refused[order]:
            del shop.refused[order]
        return 503
    if order not in shop.shipped:
        shop.shipped.append(order)
    return 200


def remind(shop, request):
    wanted = request.json
    shop.mails.append(wanted["to"])
    if wanted["days"] > 1:
        shop.create("/remind", {"to": wanted["to"], "days": wanted["days"] - 1})
    return 204


def mail(shop, request):
    shop.mails.append((request.method, request.query, request.headers.get("x-shop")))
    return 200


def receipt(shop, request):
    shop.mails.append(request.task)
    return 200, {"X-Receipt": "sent"}
