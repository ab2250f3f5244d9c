"""The door in front of what is mounted beside the rows: metrics, reflection, the helpers for tests."""

from __future__ import annotations

from tidegate.api.door import Door
from tidegate.api.status import HTTP_STATUS, rest_error_body
from tidegate.core.access import SERVER
from tidegate.core.errors import ApiError
from tidegate.servers.call import AsgiApp, Call, Receive, Scope, Send
from tidegate.servers.grpc import send_error
from tidegate.servers.mounts import Mount
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body


def guarded(mount: Mount, door: Door | None, permission: str | None, *, changes: bool = False) -> Mount:
    """The mount behind the door: for whoever has the permission on the server, or for whoever is known if it is None.
    The audit log is told who was refused, and of each call where they change something. Without a door, the mount as
    it is.
    """
    if door is None:
        return mount
    app: AsgiApp = mount.app

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope, None)
        try:
            caller = await door.check(call, permission, SERVER, mount.path)
        except ApiError as error:
            if mount.stream:
                await send_error(send, error)
            else:
                await drop_body(receive)
                await respond(scope["method"], send, HTTP_STATUS[error.code], rest_error_body(error))
        else:
            await app(scope, receive, send)
            if changes:
                door.note_beside(mount.path, permission, caller, call)

    return Mount(mount.path, guard, mount.verbs, mount.below, mount.stream, mount.always)
