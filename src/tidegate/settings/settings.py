"""Every setting once: its name, type, default, help and how it is written. Flags, variables and docs follow."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated

from msgspec import Struct

from tidegate.core.names import DEFAULT_LOCATION
from tidegate.core.queue import DEFAULT_NAME_REUSE_AFTER
from tidegate.settings import kinds
from tidegate.settings.access import IDENTITY, ISSUER, MEMBER, ROLE, IdentitySetup, IssuerSetup, RoleSetup
from tidegate.settings.queues import QUEUE, QueueSetup
from tidegate.settings.rows import Row, Says, rows
from tidegate.settings.stores import SqliteUrl, StoreUrl


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a server. None stands for a setting that is not set and has no default."""

    host: Annotated[str, Says(kinds.HOST, "Address to listen on; 0.0.0.0 is every IPv4 address of this machine.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Says(kinds.PORT, "Port to listen on; 0 picks a free one and prints it.")] = 8123
    store: Annotated[
        StoreUrl,
        Says(
            kinds.STORE,
            "Where queues and tasks are kept: in a file, or at postgresql://USER@HOST/DB for many nodes;"
            " sqlite://:memory: keeps nothing on disk.",
        ),
    ] = SqliteUrl("tidegate.db")
    drain: Annotated[timedelta, Says(kinds.DURATION, "How long attempts under way may go on after SIGTERM.")] = (
        timedelta(seconds=30)
    )
    queue: Annotated[
        tuple[QueueSetup, ...],
        Says(QUEUE, "A queue to have at start, by its full name; can be given again.", tuple),
    ] = ()
    queues: Annotated[
        str | None, Says(kinds.FILE, "A queue.yaml to apply at start, if another one was applied last.")
    ] = None
    project: Annotated[
        str | None, Says(kinds.PROJECT, "Project of the queues of a queue.yaml.", unset="the file's application")
    ] = None
    location: Annotated[str, Says(kinds.LOCATION, "Location of the queues of a queue.yaml.")] = DEFAULT_LOCATION
    max_dispatches_per_second: Annotated[
        float, Says(kinds.RATE, "The highest rate a queue may ask for, in attempts a second.")
    ] = 500.0
    max_concurrent_dispatches: Annotated[
        int, Says(kinds.COUNT, "The most attempts under way at one time that a queue may ask for.")
    ] = 5000
    queue_name_reuse_after: Annotated[
        timedelta, Says(kinds.DURATION, "How long the name of a deleted queue stays taken; 0s suits tests.")
    ] = DEFAULT_NAME_REUSE_AFTER
    egress: Annotated[
        tuple[str, ...],
        Says(
            kinds.EGRESS,
            "Which addresses tasks may call: all, public, networks, hosts; a leading ! forbids, and forbidding wins.",
            tuple,
            unset="all on a loopback host, else public",
        ),
    ] = ()
    app_engine: Annotated[
        dict[str, str],
        Says(
            kinds.ROUTE,
            "Where the App Engine tasks of a service go; services not named go to default's URL. Not bound by egress.",
            dict,
            unset="https:// and the App Engine host",
        ),
    ] = {}
    map: Annotated[
        dict[str, str],
        Says(
            kinds.MAPPING,
            "Which URL to call in place of those that begin with a prefix; * is all that do not call this machine, "
            "https:// all of that scheme.",
            dict,
            unset="none",
        ),
    ] = {}
    oidc_issuer: Annotated[
        str | None,
        Says(
            kinds.URL,
            "Issuer of the ID tokens that tasks carry: this server's URL as handlers reach it, to fetch the keys.",
            unset="http://HOST:PORT",
        ),
    ] = None
    token_urls: Annotated[
        str, Says(kinds.one_of("any", "https"), "Which URLs may be sent tokens: any, or https only as at Google.")
    ] = "any"  # noqa: S105 (no password)
    token_source: Annotated[
        str | None,
        Says(
            kinds.FILE,
            "Where OAuth access tokens come from: metadata (the metadata server) or a service account's key file.",
            unset="opaque random ones",
        ),
    ] = None
    id_tokens: Annotated[
        str, Says(kinds.one_of("own", "source"), "Who signs ID tokens: this server, or Google by the token source.")
    ] = "own"
    throttling: Annotated[
        bool, Says(kinds.SWITCH, "Slow a queue down while its handlers answer 429 or 503 or mostly fail.")
    ] = True
    ramp_up: Annotated[
        bool,
        Says(
            kinds.SWITCH,
            "Start new, idle and suddenly full queues at 500 attempts a second, half more every 5 minutes.",
        ),
    ] = False
    dead_letters: Annotated[
        timedelta,
        Says(
            kinds.DURATION,
            "How long tasks that are given up stay on the shelf of their queue, to be looked at and driven again; 0s"
            " keeps none.",
        ),
    ] = timedelta(days=7)
    attempts: Annotated[
        str | None,
        Says(
            kinds.one_of("none", "failed", "all"),
            "Which ended attempts are kept, with what was sent and what came back.",
            unset="failed; all with dev",
        ),
    ] = None
    log_format: Annotated[
        str | None,
        Says(
            kinds.one_of("json", "plain"),
            "How the log on stderr is written, one event a line.",
            unset="plain on a terminal, else json",
        ),
    ] = None
    operation_log: Annotated[
        str | None, Says(kinds.FILE, "Where the operations that queues sample are logged; - is stderr.")
    ] = None
    tls_cert: Annotated[str | None, Says(kinds.FILE, "Certificate chain (PEM); with it the port speaks TLS.")] = None
    tls_key: Annotated[str | None, Says(kinds.FILE, "Private key of the certificate (PEM).")] = None
    tls_client_ca: Annotated[
        str | None, Says(kinds.FILE, "Authority (PEM) that must have signed the certificates of clients.")
    ] = None
    allow_hosts: Annotated[
        tuple[str, ...],
        Says(
            kinds.HOST_NAME,
            "Names of this server in requests over REST, beside addresses, localhost, *.localhost and host.",
            tuple,
        ),
    ] = ()
    allow_origins: Annotated[
        tuple[str, ...],
        Says(kinds.ORIGIN, "Other sites whose web pages may call this server over REST.", tuple),
    ] = ()
    access: Annotated[bool, Says(kinds.SWITCH, "Check who calls, and whether they may.")] = False
    admin: Annotated[
        tuple[str, ...],
        Says(MEMBER, "Who owns the server, whatever policies say; can be given again.", tuple),
    ] = ()
    policy: Annotated[
        str | None,
        Says(kinds.FILE, "A policy of the server (JSON or YAML), beside the stored one; read at start and on SIGHUP."),
    ] = None
    tokens: Annotated[
        str | None,
        Says(kinds.FILE, "Static tokens, one a line: MEMBER sha256:HEX [until=2027-01-31]; `tidegate iam` makes them."),
    ] = None
    issuer: Annotated[
        tuple[IssuerSetup, ...], Says(ISSUER, "An OpenID Connect issuer whose tokens are trusted.", tuple)
    ] = ()
    audience: Annotated[
        tuple[str, ...],
        Says(kinds.URL, "Further URLs of this server that a token may be meant for.", tuple),
    ] = ()
    client_certificates: Annotated[
        str | None,
        Says(
            kinds.one_of("off", "optional", "required"),
            "Whether clients must show a certificate, and whether it says who calls.",
            unset="required with tls_client_ca",
        ),
    ] = None
    identity: Annotated[
        tuple[IdentitySetup, ...], Says(IDENTITY, "Who the holder of a client certificate is, if not its name.", tuple)
    ] = ()
    role: Annotated[tuple[RoleSetup, ...], Says(ROLE, "A role of your own, for policies to name.", tuple)] = ()
    service_accounts: Annotated[
        str, Says(kinds.one_of("any", "known"), "Whether tasks may name service accounts that were not made here.")
    ] = "any"
    audit_log: Annotated[
        str | None, Says(kinds.FILE, "Where calls that change something or are refused are logged; - is stderr.")
    ] = None
    audit_reads: Annotated[bool, Says(kinds.SWITCH, "Log calls that only read, too.")] = False
    plain_text_tokens: Annotated[
        bool, Says(kinds.SWITCH, "Let callers send tokens without TLS to a host that is not loopback.")
    ] = False
    metrics_public: Annotated[bool, Says(kinds.SWITCH, "Show /metrics to everyone, with access on too.")] = False
    console: Annotated[
        str | None,
        Says(
            kinds.one_of("on", "read-only", "off"),
            "Pages at /console/ that show queues and tasks; read-only ones change nothing.",
            unset="on with access or where the host is loopback, else off",
        ),
    ] = None
    console_hosts: Annotated[
        tuple[str, ...],
        Says(
            kinds.HOST_NAME,
            "Names under which browsers may open the console, beside addresses, localhost, *.localhost and host.",
            tuple,
        ),
    ] = ()
    console_url: Annotated[
        str | None,
        Says(
            kinds.URL,
            "The console as browsers reach it through a proxy, such as https://tasks.example.com/console: an issuer's"
            " login leads back there.",
            unset="the address that a browser asks",
        ),
    ] = None
    max_bytes_in_flight: Annotated[
        int,
        Says(
            kinds.BYTES,
            "The most bytes that requests and answers in flight may hold together; further ones get"
            " RESOURCE_EXHAUSTED.",
        ),
    ] = 256 * 2**20
    dev: Annotated[bool, Says(kinds.SWITCH, "Turn on what only tests should use.")] = False

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the port."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    @property
    def asks_certificates(self) -> str:
        """``off``, ``optional`` or ``required``, as it was set or follows from the authority."""
        return self.client_certificates or ("required" if self.tls_client_ca else "off")

    @property
    def console_mode(self) -> str:
        """Whether there is a console: what was said, or the default for the host."""
        return self.console or ("on" if self.loopback or self.access else "off")

    @property
    def kept_attempts(self) -> str:
        """Which ended attempts are kept: as was set, or the default."""
        return self.attempts or ("all" if self.dev else "failed")

    @property
    def egress_rules(self) -> tuple[str, ...]:
        """The egress rules in force: those that were set, or the default for the host."""
        return self.egress or (("all",) if self.loopback else ("public",))


SETTINGS: tuple[Row, ...] = rows(Settings)
