import pytest
from tests.core.examples import LOCATION, QUEUE, TASK

from tidegate.core.errors import Code, InvalidArgument
from tidegate.core.validation import NoDeleteSucceeded, check_create_batch, check_delete_batch, check_deleted_name

MALFORMED = (
    'Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>".'
)
BAD_ID = (
    'Task ID "t." can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). '
    "Task ID must between 1 and 500 characters."
)
OTHER = f"{LOCATION}/queues/other"
OTHERS = f"The queue name from request ('{QUEUE}') must be the same as the queue name in the named task ('{OTHER}')."


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([], "Request must contain at least one task."),
        ([(QUEUE, "")] * 101, "A maximum of 100 tasks can be created in a single batch, but got 101 tasks."),
        (
            [(QUEUE, ""), (OTHER, "")],
            "All tasks in a batch request must target the same queue. "
            f"Found task for queue {OTHER} in batch request for queue {QUEUE}.",
        ),
        (
            [("", "")],
            "All tasks in a batch request must target the same queue. "
            f"Found task for queue  in batch request for queue {QUEUE}.",
        ),
        ([(QUEUE, TASK), (QUEUE, ""), (QUEUE, TASK)], f"Duplicate task name in the batch request: {TASK}"),
        ([(QUEUE, TASK), (QUEUE, "t")], MALFORMED),
        ([(QUEUE, f"{QUEUE}/tasks/t.")], BAD_ID),
        ([(QUEUE, f"{OTHER}/tasks/t")], OTHERS),
    ],
)
def test_a_faulty_batch_of_creates_fails_as_a_whole(entries: list[tuple[str, str]], text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_create_batch(QUEUE, [parent for parent, _ in entries], [name for _, name in entries], "")
    assert caught.value.message == text


def test_a_batch_of_a_hundred_creates_is_taken() -> None:
    check_create_batch(QUEUE, [QUEUE] * 100, [""] * 50 + [f"{QUEUE}/tasks/{n}" for n in range(50)], "my-id_1")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "Request contains an invalid argument."),
        (1001, "A maximum of 1000 tasks can be handled in a batch, but 1001 were requested."),
    ],
)
def test_a_batch_of_deletes_has_1_to_1000_names(count: int, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_delete_batch([TASK] * count, "")
    assert caught.value.message == text
    check_delete_batch([TASK] * 1000, "")
    check_delete_batch(["nonsense"], "id")


@pytest.mark.parametrize("request_id", ["a/b", "a b", "ü", "i" * 101, "a\n"])
def test_an_operation_id_has_letters_digits_hyphens_and_underscores(request_id: str) -> None:
    text = (
        "request_id can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). "
        "It must be between 1 and 100 characters."
    )
    with pytest.raises(InvalidArgument) as caught:
        check_create_batch(QUEUE, [QUEUE], [""], request_id)
    assert caught.value.message == text
    with pytest.raises(InvalidArgument) as caught:
        check_delete_batch([TASK], request_id)
    assert caught.value.message == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", f"Invalid task name: {MALFORMED}"),
        ("t", f"Invalid task name: {MALFORMED}"),
        (f"{QUEUE}/tasks/t.", f"Invalid task name: {BAD_ID}"),
        (f"{OTHER}/tasks/t", OTHERS),
    ],
)
def test_a_faulty_name_in_a_batch_of_deletes_fails_alone(name: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_deleted_name(name, QUEUE)
    assert caught.value.message == text
    assert caught.value.details == () or name.startswith(OTHER)


def test_a_good_name_in_a_batch_of_deletes_is_taken() -> None:
    assert check_deleted_name(TASK, QUEUE) == TASK


def test_an_operation_in_which_no_delete_succeeded_says_so() -> None:
    error = NoDeleteSucceeded()
    assert error.code is Code.ABORTED
    assert error.message == (
        "None of the requests succeeded, refer to BatchDeleteTasksMetadata.failed_requests for individual error details"
    )
