"""Flags that many commands have, and those that all have."""

from __future__ import annotations

from tidegate.cli.table.kinds import COUNT, INTEGER, MANY, SWITCH, VERBOSITY
from tidegate.cli.table.rows import Flag, Positional

LOCATION = Flag("--location", "Where the queue is. Without it, the only location that the server has.")
QUEUE = Positional("QUEUE", "The queue: its ID, its full name or its URL.")
QUEUE_FLAG = Flag("--queue", "The queue that the task belongs to.")
NEEDED_QUEUE_FLAG = QUEUE_FLAG._replace(required=True)

LISTING = (
    Flag("--filter", "Show only what this expression chooses, such as state=PAUSED.", metavar="EXPRESSION"),
    Flag("--limit", "Show so many at most.", COUNT),
    Flag("--page-size", "Ask for so many at a time.", COUNT),
    Flag("--sort-by", "Sort by these fields; a ~ before a field turns its order round.", metavar="[FIELD,...]"),
    Flag("--uri", "Show URLs in place of a table.", SWITCH),
)

ALWAYS = (
    Flag("--project", "The project whose queues are meant.", metavar="PROJECT_ID"),
    Flag("--format", "How to show the answer: json, yaml, csv, value, table, none; keys in parentheses."),
    Flag("--quiet", "Ask nothing: every answer is yes.", SWITCH, short="-q"),
    Flag("--log-http", "Show each request and answer on stderr, without credentials.", SWITCH),
    Flag("--no-log-http", "Do not.", SWITCH),
    Flag("--verbosity", "How much to say on stderr: debug, info, warning, error, critical or none.", VERBOSITY),
    Flag("--user-output-enabled", "Say what was done, as is usual.", SWITCH),
    Flag("--no-user-output-enabled", "Say nothing but errors and questions.", SWITCH),
    Flag("--flags-file", "A YAML or JSON file of flags and their values.", MANY, metavar="YAML_FILE"),
    Flag("--context", "The context to use, by its name."),
    Flag("--address", "Where the server answers.", metavar="URL"),
    Flag("--access-token-file", "A file with the access token to send."),
    Flag("--credential-file", "The key file of a service account to sign in with."),
    Flag("--ca", "Authority (PEM) that signed the server's certificate.", metavar="FILE"),
    Flag("--cert", "Certificate (PEM) to show to the server.", metavar="FILE"),
    Flag("--key", "Private key (PEM) of that certificate.", metavar="FILE"),
    Flag("--help", "Show this.", SWITCH, short="-h"),
    Flag("--account", "Taken for gcloud's sake; without effect."),
    Flag("--billing-project", "Taken for gcloud's sake; without effect."),
    Flag("--configuration", "Taken for gcloud's sake; without effect."),
    Flag("--impersonate-service-account", "Taken for gcloud's sake; without effect."),
    Flag("--trace-token", "Taken for gcloud's sake; without effect."),
)
WITHOUT_EFFECT = tuple(flag.name for flag in ALWAYS if flag.help.endswith("without effect."))

LEASE_LIMIT = Flag("--limit", "How many tasks to lease at most.", INTEGER, "maxTasks", default=1000)
