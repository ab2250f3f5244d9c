"""The routes of a FastAPI shop."""

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel

from tidegate.handlers import TaskRequest, retry_after

router = APIRouter()
SHIPPED = {}
SEEN = []


class Order(BaseModel):
    number: int
    article: str = "apple"


def task_of(request: Request) -> TaskRequest:
    return TaskRequest.from_headers(request.headers)


@router.post("/ship")
async def ship(order: Order, task: TaskRequest = Depends(task_of)):  # noqa: B008
    if order.article == "pear" and task.retry_count == 0:
        retry_after(30, "not yet ripe")
    if order.article == "stone":
        raise HTTPException(409, "nobody ships stones")
    SHIPPED[order.number] = task.retry_count
    return {"task": task.task}


@router.post("/pack", status_code=202)
def pack(order: Order):
    SHIPPED[order.number] = "packed"


@router.get("/ping")
async def ping(token: str, task: TaskRequest = Depends(task_of)):  # noqa: B008
    SEEN.append((token, task.queue, task.task))


@router.post("/next")
async def following(order: Order, request: Request):
    SHIPPED[order.number] = "next"
    if order.number < 3:
        await request.app.state.create("/next", {"number": order.number + 1}, delay=3600)
