import pytest

from tidegate.core import refusals
from tidegate.core.errors import ApiError, Code

CREATE = (
    "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create"
    "#body.request_body.FIELDS.task"
)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (refusals.not_found(), Code.NOT_FOUND, "Requested entity was not found."),
        (refusals.invalid(), Code.INVALID_ARGUMENT, "Request contains an invalid argument."),
        (
            refusals.queue_missing(),
            Code.NOT_FOUND,
            "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize.",
        ),
        (refusals.queue_exists(), Code.ALREADY_EXISTS, "Queue already exists"),
        (
            refusals.queue_existed_recently(),
            Code.FAILED_PRECONDITION,
            "The queue cannot be created because a queue with this name existed too recently.",
        ),
        (refusals.task_exists(), Code.ALREADY_EXISTS, "Requested entity already exists"),
        (
            refusals.task_existed_recently(),
            Code.ALREADY_EXISTS,
            "The task cannot be created because a task with this name existed too recently. "
            f"For more information about task de-duplication see {CREATE}.",
        ),
        (
            refusals.task_gone(),
            Code.NOT_FOUND,
            "The task no longer exists, though a task with this name existed recently. "
            "The task either successfully completed or was deleted.",
        ),
        (refusals.task_too_large(), Code.INVALID_ARGUMENT, "Task size too large"),
        (
            refusals.lease_lost(),
            Code.FAILED_PRECONDITION,
            "The task's lease has expired or is held by another worker.",
        ),
        (
            refusals.operation_exists("o1"),
            Code.INVALID_ARGUMENT,
            "Duplicate operation id in the batch request: o1",
        ),
    ],
)
def test_every_answer_has_its_code_and_its_text(error: ApiError, code: Code, text: str) -> None:
    assert (error.code, error.message, error.details) == (code, text, ())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusals.queue_not_running(), Code.FAILED_PRECONDITION),
        (refusals.queue_not_pull(), Code.INVALID_ARGUMENT),
        (refusals.buffer_without_host(), Code.FAILED_PRECONDITION),
        (refusals.task_not_runnable(), Code.INVALID_ARGUMENT),
    ],
)
def test_our_own_answers_have_the_code_that_fits(error: ApiError, code: Code) -> None:
    assert error.code is code
    assert error.message.endswith(".")
