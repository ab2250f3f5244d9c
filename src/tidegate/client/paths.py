"""Resource names, made and taken apart. Making one checks nothing."""

from __future__ import annotations

import re


class Paths:
    """The names that every API version has."""

    @staticmethod
    def queue_path(project: str, location: str, queue: str) -> str:
        """``projects/P/locations/L/queues/Q``."""
        return f"projects/{project}/locations/{location}/queues/{queue}"

    @staticmethod
    def parse_queue_path(path: str) -> dict[str, str]:
        """The project, location and queue in a queue's name; nothing when it is none."""
        return _parse("projects/{project}/locations/{location}/queues/{queue}", path)

    @staticmethod
    def task_path(project: str, location: str, queue: str, task: str) -> str:
        """``projects/P/locations/L/queues/Q/tasks/T``."""
        return f"projects/{project}/locations/{location}/queues/{queue}/tasks/{task}"

    @staticmethod
    def parse_task_path(path: str) -> dict[str, str]:
        """The project, location, queue and task in a task's name; nothing when it is none."""
        return _parse("projects/{project}/locations/{location}/queues/{queue}/tasks/{task}", path)

    @staticmethod
    def common_project_path(project: str) -> str:
        """``projects/P``."""
        return f"projects/{project}"

    @staticmethod
    def parse_common_project_path(path: str) -> dict[str, str]:
        """The project in its name; nothing when it is none."""
        return _parse("projects/{project}", path)

    @staticmethod
    def common_location_path(project: str, location: str) -> str:
        """``projects/P/locations/L``."""
        return f"projects/{project}/locations/{location}"

    @staticmethod
    def parse_common_location_path(path: str) -> dict[str, str]:
        """The project and location in a location's name; nothing when it is none."""
        return _parse("projects/{project}/locations/{location}", path)

    @staticmethod
    def common_organization_path(organization: str) -> str:
        """``organizations/O``."""
        return f"organizations/{organization}"

    @staticmethod
    def parse_common_organization_path(path: str) -> dict[str, str]:
        """The organization in its name; nothing when it is none."""
        return _parse("organizations/{organization}", path)

    @staticmethod
    def common_folder_path(folder: str) -> str:
        """``folders/F``."""
        return f"folders/{folder}"

    @staticmethod
    def parse_common_folder_path(path: str) -> dict[str, str]:
        """The folder in its name; nothing when it is none."""
        return _parse("folders/{folder}", path)

    @staticmethod
    def common_billing_account_path(billing_account: str) -> str:
        """``billingAccounts/B``."""
        return f"billingAccounts/{billing_account}"

    @staticmethod
    def parse_common_billing_account_path(path: str) -> dict[str, str]:
        """The billing account in its name; nothing when it is none."""
        return _parse("billingAccounts/{billing_account}", path)


class KeyPaths:
    """The names of encryption keys, for the versions that have them."""

    @staticmethod
    def cmek_config_path(project: str, location: str) -> str:
        """``projects/P/locations/L/cmekConfig``."""
        return f"projects/{project}/locations/{location}/cmekConfig"

    @staticmethod
    def parse_cmek_config_path(path: str) -> dict[str, str]:
        """The project and location in the name of an encryption setting; nothing when it is none."""
        return _parse("projects/{project}/locations/{location}/cmekConfig", path)

    @staticmethod
    def crypto_key_path(project: str, location: str, key_ring: str, crypto_key: str) -> str:
        """``projects/P/locations/L/keyRings/R/cryptoKeys/K``."""
        return f"projects/{project}/locations/{location}/keyRings/{key_ring}/cryptoKeys/{crypto_key}"

    @staticmethod
    def parse_crypto_key_path(path: str) -> dict[str, str]:
        """The project, location, key ring and key in a key's name; nothing when it is none."""
        return _parse("projects/{project}/locations/{location}/keyRings/{key_ring}/cryptoKeys/{crypto_key}", path)


def _parse(template: str, path: str) -> dict[str, str]:
    """Each part takes as little as it can, the last one the rest, slashes included."""
    match = re.match("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>.+?)", template) + "$", path)
    return match.groupdict() if match else {}
