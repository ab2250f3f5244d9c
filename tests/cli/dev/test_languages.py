"""The lines that ``tidegate dev`` prints for Node and Go, pasted into a program, deliver a task."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.dev.dev_server import PATIENCE, application, started, until
from tests.endtoend.page_programs import execute

PROGRAMS = {
    "Node": (
        "js",
        """
import {{ CloudTasksClient }} from "@google-cloud/tasks";
import {{ grpc }} from "google-gax";

const client = {line};
await client.createTask({{ parent: "{queue}", task: {{ httpRequest: {{ url: "https://shop.example.com/work" }} }} }});
await client.close();
""",
    ),
    "Go": (
        "go",
        """
package main

import (
	"context"
	"log"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {{
	ctx := context.Background()
	client, err := {line}
	if err != nil {{
		log.Fatal(err)
	}}
	defer client.Close()
	target := &cloudtaskspb.HttpRequest{{Url: "https://shop.example.com/work"}}
	_, err = client.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{{
		Parent: "{queue}",
		Task:   &cloudtaskspb.Task{{MessageType: &cloudtaskspb.Task_HttpRequest{{HttpRequest: target}}}},
	}})
	if err != nil {{
		log.Fatal(err)
	}}
}}
""",
    ),
}


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_line_of_a_language_is_enough(language: str, tmp_path: Path) -> None:
    with application() as (url, calls), started("--port", "0", "--app", url) as lines:
        queue = until(lines, "queue  ").split()[1]
        line = until(lines, f"{language}  ").removeprefix(language).strip()
        kind, program = PROGRAMS[language]
        execute(kind, program.format(line=line, queue=queue), tmp_path)
        assert calls.get(timeout=PATIENCE) == ("/work", "shop.example.com")
