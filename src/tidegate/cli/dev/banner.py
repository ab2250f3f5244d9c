"""What a developer reads once the server answers: where it is, and the line to paste for each language."""

from __future__ import annotations

from tidegate import __version__
from tidegate.servers.address import Address
from tidegate.settings import Settings
from tidegate.settings.stores import SqliteUrl, StoreUrl

LOOPBACK = frozenset({"127.0.0.1", "0.0.0.0", "::", "::1"})  # noqa: S104 - compared, not bound
SHOWN_QUEUES = 8
GO = (
    'cloudtasks.NewClient(ctx, option.WithEndpoint("{host}:{port}"), option.WithoutAuthentication(),'
    " option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))"
)
NODE = "new CloudTasksClient({{servicePath: '{host}', port: {port}, sslCreds: grpc.credentials.createInsecure()}})"


def console_url(address: Address) -> str:
    """Where a browser on this machine finds the console."""
    host = "localhost" if address.host in LOOPBACK else address.host
    return f"http://{host}:{address.port}/console/"


def banner(settings: Settings, address: Address) -> str:
    """The lines, as they are printed."""
    host = "localhost" if address.host in LOOPBACK else address.host
    where = {"host": host, "port": address.port}
    kept = (
        "in memory: nothing is kept when it stops" if settings.store.in_memory else f"kept in {_place(settings.store)}"
    )
    queues = [each.name for each in settings.queue]
    lines = [f"tidegate {__version__} dev, {kept}", f"gRPC and REST  {host}:{address.port}"]
    if settings.console_mode != "off":
        lines[1] += f"        console  {console_url(address)}"
    lines += [f"queue          {name}" for name in queues[:SHOWN_QUEUES]]
    if len(queues) > SHOWN_QUEUES:
        lines.append(f"               and {len(queues) - SHOWN_QUEUES} more")
    if settings.queues is not None:
        lines.append(f"queues         those of {settings.queues}")
    lines += [f"calls to       {prefix} go to {url}" for prefix, url in settings.map.items()]
    lines += [
        "",
        f"export CLOUD_TASKS_EMULATOR_HOST={host}:{address.port}",
        "Python  tasks_v2 from tidegate, or tidegate.patch_google_cloud_tasks()",
        f"Node    {NODE.format(**where)}",
        f"Go      {GO.format(**where)}",
        f"gcloud  export CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS=http://{host}:{address.port}/"
        " CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
        "stop    Ctrl-C. This is for development, not for production: for that there is tidegate serve.",
        "",
    ]
    return "\n".join(lines)


def _place(store: StoreUrl) -> str:
    return store.path if isinstance(store, SqliteUrl) else str(store)
