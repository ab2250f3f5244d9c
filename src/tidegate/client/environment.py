"""What the environment and the options say about where a client connects, and as whom."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from google.api_core.client_options import ClientOptions, from_dict
from google.api_core.universe import EmptyUniverseError
from google.auth.exceptions import MutualTLSChannelError
from google.auth.transport import mtls

from tidegate.client.emulator import emulator_host

ENDPOINT = "cloudtasks.googleapis.com"
MTLS_ENDPOINT = "cloudtasks.mtls.googleapis.com"
TEMPLATE = "cloudtasks.{UNIVERSE_DOMAIN}"
UNIVERSE = "googleapis.com"

CertificateSource = Callable[[], tuple[bytes, bytes]]

__all__ = ["Surroundings", "emulator_host", "read_options"]


def read_options(given: ClientOptions | dict[str, Any] | None) -> ClientOptions:
    """Client options from an object or a dict.

    Raises:
        ValueError: an option is unknown.
    """
    if isinstance(given, dict):
        given = from_dict(given)
    return ClientOptions() if given is None else given


class Surroundings:
    """The universe, the endpoint and the client certificate that options and environment ask for.

    Raises:
        MutualTLSChannelError: GOOGLE_API_USE_MTLS_ENDPOINT is none of never, auto, always; or mTLS in another universe.
        ValueError: GOOGLE_API_USE_CLIENT_CERTIFICATE is neither true nor false.
        EmptyUniverseError: the universe is empty.
    """

    def __init__(self, options: ClientOptions) -> None:
        wants_certificate = mtls.should_use_client_cert()
        use_mtls = _use_mtls_endpoint()
        self.universe = _universe(options.universe_domain, os.getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN"))
        self.certificate_source = _certificate_source(options, wants=wants_certificate)
        self._with_mtls = use_mtls == "always" or (use_mtls == "auto" and self.certificate_source is not None)
        self._override: str | None = options.api_endpoint

    def endpoint(self) -> str:
        """Where to connect."""
        if self._override is not None:
            return self._override
        if not self._with_mtls:
            return TEMPLATE.format(UNIVERSE_DOMAIN=self.universe)
        if self.universe.lower() != UNIVERSE:
            raise MutualTLSChannelError(f"mTLS is not supported in any universe other than {UNIVERSE}.")
        return MTLS_ENDPOINT


def mtls_endpoint_and_certificate(given: ClientOptions | None) -> tuple[str, CertificateSource | None]:
    """The result of the deprecated ``get_mtls_endpoint_and_cert_source``."""
    warnings.warn(
        "get_mtls_endpoint_and_cert_source is deprecated. Use the api_endpoint property instead.",
        DeprecationWarning,
        stacklevel=3,
    )
    options = ClientOptions() if given is None else given
    wants_certificate = mtls.should_use_client_cert()
    use_mtls = _use_mtls_endpoint(lower=False)
    source = _certificate_source(options, wants=wants_certificate)
    if options.api_endpoint is not None:
        return options.api_endpoint, source
    return MTLS_ENDPOINT if use_mtls == "always" or (use_mtls == "auto" and source) else ENDPOINT, source


def _use_mtls_endpoint(*, lower: bool = True) -> str:
    wanted = os.getenv("GOOGLE_API_USE_MTLS_ENDPOINT", "auto")
    wanted = wanted.lower() if lower else wanted
    if wanted not in {"never", "auto", "always"}:
        raise MutualTLSChannelError(
            "Environment variable `GOOGLE_API_USE_MTLS_ENDPOINT` must be `never`, `auto` or `always`"
        )
    return wanted


def _certificate_source(options: ClientOptions, *, wants: bool) -> CertificateSource | None:
    if not wants:
        return None
    if options.client_cert_source:
        source: CertificateSource = options.client_cert_source
        return source
    if mtls.has_default_client_cert_source():
        default: CertificateSource = mtls.default_client_cert_source()
        return default
    return None


def _universe(*wanted: str | None) -> str:
    universe = next((name.strip() for name in wanted if name is not None), UNIVERSE)
    if not universe:
        raise EmptyUniverseError
    return universe
