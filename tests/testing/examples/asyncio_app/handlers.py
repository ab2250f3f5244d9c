"""The handlers of an ASGI application without a framework. Each gets the shop and the request's body."""

import asyncio


async def ship(shop, body):
    await shop.lock.acquire()
    try:
        if body["order"] in shop.late:
            shop.late.remove(body["order"])
            return 503
        shop.shipped.append(body["order"])
    finally:
        shop.lock.release()
    return 200


async def fail(shop, body):
    shop.failed.append(body)
    return body["status"]


async def chain(shop, body):
    shop.shipped.append(body["left"])
    if body["left"]:
        await shop.create("/chain", {"left": body["left"] - 1})
    return 200


async def loop(shop, body):
    shop.loops.append(asyncio.get_running_loop())
    return 200
