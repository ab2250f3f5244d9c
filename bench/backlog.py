"""A million waiting tasks: memory, a page of the list, start-up, first dispatch, and creates beside an empty store."""

from __future__ import annotations

import argparse
import statistics
import time

from bench import machine
from bench.server import Server, fill, handler, has_tasks, make_queue, scratch, serving, start
from tidegate.schema import v2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=1_000_000)
    options = arguments.parse_args()
    figures: dict[str, float] = {}
    with scratch() as folder, handler(folder) as url:
        store = folder / "tidegate.db"
        with serving(store) as server:
            backlog = make_queue(server, "backlog")
            server.call(v2.CloudTasks.pause_queue, name=backlog)
            figures["creates_per_second_at_first"] = _creates(server, backlog, url)
            fill(server, backlog, url, options.tasks)
            figures["creates_per_second_at_last"] = _creates(server, backlog, url)
            figures["resident_mib_after_filling"] = round(server.resident() / 2**20)
            figures["store_bytes_per_task"] = round(store.stat().st_size / options.tasks)
            make_queue(server, "live")
        begin = time.perf_counter()
        server = start(store)
        figures["seconds_to_ready"] = round(time.perf_counter() - begin, 2)
        live = f"{backlog.rsplit('/', 1)[0]}/live"
        server.call(v2.CloudTasks.create_task, parent=live, task={"http_request": {"url": url}})
        while has_tasks(server, live):
            time.sleep(0.001)
        figures["seconds_to_first_dispatch"] = round(time.perf_counter() - begin, 2)
        pages, token = [], ""
        for _ in range(50):
            asked = time.perf_counter()
            page = server.call(v2.CloudTasks.list_tasks, parent=backlog, page_size=100, page_token=token)
            pages.append(time.perf_counter() - asked)
            token = page.next_page_token
        figures["list_page_of_100_ms"] = round(statistics.median(pages) * 1e3, 2)
        figures["resident_mib"] = round(server.resident() / 2**20)
        asked = time.perf_counter()
        server.call(v2.CloudTasks.purge_queue, name=backlog)
        figures["purge_ms"] = round((time.perf_counter() - asked) * 1e3, 1)
        server.stop()
    machine.report("backlog", tasks=options.tasks, **figures)


def _creates(server: Server, queue: str, url: str) -> float:
    begin = time.perf_counter()
    fill(server, queue, url, 20_000)
    return round(20_000 / (time.perf_counter() - begin))


if __name__ == "__main__":
    main()
