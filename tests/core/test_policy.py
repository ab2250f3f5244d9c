import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import Aborted, ApiError, InvalidArgument
from tidegate.core.policy import NO_POLICY, Binding, Policy, settle_policy
from tidegate.core.policy import tested_permissions as permissions_of  # pytest would run it under its own name

ETAG = b"12345678"
ANN, BOB = "user:ann@example.com", "user:bob@example.com"


def policy(*bindings: Binding, version: int = 0, etag: bytes = b"") -> Policy:
    return Policy(version, bindings, etag)


def refusal(sent: Policy) -> str:
    with pytest.raises(InvalidArgument) as caught:
        settle_policy(sent, NO_POLICY, ETAG)
    assert caught.value.details == ()
    return caught.value.message


def test_a_queue_without_a_policy_has_an_empty_one() -> None:
    assert Policy(0, (), b"\x00\x20\x01") == NO_POLICY


def test_a_policy_is_stored_merged_and_sorted() -> None:
    sent = policy(
        Binding("roles/b", (BOB, ANN, BOB)),
        Binding("roles/a", ("allUsers",)),
        Binding("roles/none"),
        Binding("roles/b", ("group:g@example.com", ANN)),
        version=3,
    )
    assert settle_policy(sent, NO_POLICY, ETAG) == Policy(
        1, (Binding("roles/a", ("allUsers",)), Binding("roles/b", ("group:g@example.com", ANN, BOB))), ETAG
    )


def test_an_empty_policy_takes_all_bindings_away() -> None:
    stored = Policy(1, (Binding("roles/a", (ANN,)),), b"old")
    assert settle_policy(policy(), stored, ETAG) == Policy(1, (), ETAG)


def test_the_etag_of_the_stored_policy_lets_it_be_changed() -> None:
    assert settle_policy(policy(etag=b"\x00\x20\x01"), NO_POLICY, ETAG).etag == ETAG
    assert settle_policy(policy(), Policy(1, (), b"other"), ETAG).etag == ETAG


def test_another_etag_says_that_someone_was_faster() -> None:
    with pytest.raises(Aborted) as caught:
        settle_policy(policy(etag=b"a\xff'~\n"), NO_POLICY, ETAG)
    assert caught.value.message == (
        "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. "
        "The request's ETag 'a\\377'~\\012' did not match the current policy's ETag '\\000 \\001'."
    )


def test_a_mask_says_what_is_looked_at() -> None:
    stored = Policy(1, (Binding("roles/a", (ANN,)),), b"old")
    sent = policy(Binding("roles/b", (BOB,)), etag=b"new")
    assert settle_policy(sent, stored, ETAG, {"bindings"}) == Policy(1, sent.bindings, ETAG)
    with pytest.raises(Aborted):
        settle_policy(sent, stored, ETAG, {"etag"})
    assert settle_policy(policy(etag=b"old"), stored, ETAG, {"etag"}) == Policy(1, stored.bindings, ETAG)


@pytest.mark.parametrize(
    "role", ["roles/cloudtasks.admin", "organizations/123/roles/mine", "projects/p/roles/mine", "roles/x y"]
)
def test_roles_have_three_forms(role: str) -> None:
    settle_policy(policy(Binding(role, (ANN,))), NO_POLICY, ETAG)


@pytest.mark.parametrize(
    "role", ["", "admin", "roles/", "roles/a/b", "folders/1/roles/a", "projects//roles/a", "Roles/a", " roles/a"]
)
def test_other_roles_are_refused(role: str) -> None:
    assert refusal(policy(Binding(role))) == (
        'The role name must be in the form "roles/{role}", "organizations/{organization_id}/roles/{role}", '
        'or "projects/{project_id}/roles/{role}".'
    )


@pytest.mark.parametrize(
    "member",
    [
        ANN,
        "serviceAccount:s@p.iam.gserviceaccount.com",
        "group:g@example.com",
        "domain:example.com",
        "principal://iam.googleapis.com/x",
        "principalSet://iam.googleapis.com/x",
        "deleted:user:a@b?uid=1",
        "allUsers",
        "allAuthenticatedUsers",
    ],
)
def test_members_have_a_type(member: str) -> None:
    assert settle_policy(policy(Binding("roles/a", (member,))), NO_POLICY, ETAG).bindings[0].members == (member,)


@pytest.mark.parametrize("member", ["", "ann@example.com", "robot:r", "allusers", "User:ann@example.com"])
def test_members_without_a_type_are_refused(member: str) -> None:
    assert refusal(policy(Binding("roles/a", (ANN, member)))) == (
        f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
    )


def test_conditions_are_refused() -> None:
    assert refusal(policy(Binding("roles/a", (ANN,), conditional=True))) == (
        "Can't set conditional policy on this resource"
    )


def test_versions_end_at_three() -> None:
    assert refusal(policy(version=4)) == (
        "Specified policy version (4) is not supported. For more information, please refer to "
        "https://cloud.google.com/iam/help/allow-policies/versions."
    )
    settle_policy(policy(version=3), NO_POLICY, ETAG)


def test_a_caller_without_limits_has_every_permission_asked_for() -> None:
    asked = ["cloudtasks.tasks.run", "cloudtasks.queues.get", "cloudtasks.tasks.run"]
    assert permissions_of(asked) == ["cloudtasks.queues.get", "cloudtasks.tasks.run", "cloudtasks.tasks.run"]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ([], "At least one permission must be specified."),
        (["cloudtasks.queues"], "The permission cloudtasks.queues is invalid."),
        ([""], "The permission  is invalid."),
        (["cloudtasks..get"], "The permission cloudtasks..get is invalid."),
        (["a.b.c.d"], "The permission a.b.c.d is invalid."),
        (["cloudtasks.queues.*"], "The permission cloudtasks.queues.* is invalid."),
        (["cloudtasks.queues.list"], "Permission cloudtasks.queues.list is not valid for this resource."),
        (["cloudtasks.queues.create"], "Permission cloudtasks.queues.create is not valid for this resource."),
        (["storage.objects.get"], "Permission storage.objects.get is not valid for this resource."),
        (["cloudtasks.tasks.get", "a.b.c", "bad"], "Permission a.b.c is not valid for this resource."),
        (["cloudtasks.tasks.get", "bad", "a.b.c"], "The permission bad is invalid."),
    ],
)
def test_the_first_permission_that_makes_no_sense_is_named(asked: list[str], text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        permissions_of(asked)
    assert caught.value.message == text
    assert caught.value.details == ()


def test_a_queue_has_fourteen_permissions() -> None:
    queues = ["delete", "get", "getIamPolicy", "pause", "purge", "resume", "setIamPolicy", "update"]
    tasks = ["create", "delete", "fullView", "get", "list", "run"]
    every = [f"cloudtasks.queues.{verb}" for verb in queues] + [f"cloudtasks.tasks.{verb}" for verb in tasks]
    assert permissions_of(every[::-1]) == every


TEXT = st.text(max_size=8) | st.sampled_from(["roles/a", "roles/b", ANN, BOB])


@given(
    st.lists(st.builds(Binding, TEXT, st.lists(TEXT, max_size=3).map(tuple), st.booleans()), max_size=4),
    st.integers(-5, 5),
    st.binary(max_size=4),
)
def test_no_policy_ever_raises_anything_but_an_api_error(bindings: list[Binding], version: int, etag: bytes) -> None:
    try:
        settled = settle_policy(Policy(version, tuple(bindings), etag), NO_POLICY, ETAG)
    except ApiError:
        return
    assert settle_policy(settled, settled, ETAG) == settled
