"""The views of a Django shop. They see the transaction of the test, for they run in its thread."""

import json

from django.db import connection
from django.http import HttpResponse, JsonResponse

from tidegate.handlers import TaskRequest, retry_after


def ship(request):
    task = TaskRequest.from_headers(request.headers)
    number = json.loads(request.body)["order"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET shipped = %s WHERE number = %s", [task.retry_count + 1, number])
        return HttpResponse(status=204 if cursor.rowcount else 404)


def charge(request):
    number = json.loads(request.body)["order"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT paid FROM orders WHERE number = %s", [number])
        row = cursor.fetchone()
        if row is None:
            return HttpResponse(status=404)
        if row[0] < 0:  # the bank is closed
            cursor.execute("UPDATE orders SET paid = paid + 1 WHERE number = %s", [number])
            retry_after(120)
        cursor.execute("UPDATE orders SET paid = 1 WHERE number = %s", [number])
    return JsonResponse({"paid": number})


def cancel(request, number):
    if request.method != "DELETE":
        return HttpResponse(status=405)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders WHERE number = %s", [number])
    return HttpResponse(status=200)


def search(request):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (number) VALUES (%s)", [int(request.GET["number"])])
    return HttpResponse(request.GET["q"], headers={"X-Found": "1"})
