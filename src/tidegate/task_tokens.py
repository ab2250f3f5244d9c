"""The tokens that tasks carry, as the settings want them: keys, mint, and the pages of the keys."""

from __future__ import annotations

import logging
from pathlib import Path

from tidegate.api.status import json_bytes
from tidegate.delivery import signing_keys
from tidegate.delivery.stored_keys import Keys
from tidegate.delivery.token_mint import Mint
from tidegate.delivery.token_sources import GoogleSource
from tidegate.engine.ports.world import Clock, MachineClock
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address
from tidegate.servers.call import Scope
from tidegate.servers.pages import Document, Page
from tidegate.settings import Settings

logger = logging.getLogger("tidegate")


def warn_of_unreachable_issuer(settings: Settings, address: Address) -> None:
    """Log a warning when handlers cannot know where the keys are."""
    if settings.oidc_issuer is None and address.is_wildcard:
        logger.warning(
            "handlers elsewhere cannot fetch the keys of ID tokens from %s: if they verify tokens, say where they reach"
            " this server with --oidc-issuer",
            address.url,
        )


def mint_of(settings: Settings, clock: MachineClock, keys: Keys, issuer: str) -> Mint:
    """What makes the tokens. Raises OperatorError for a source that is missing."""
    source, handed_over = _token_source(settings), settings.id_tokens == "source"
    if handed_over and source is None:
        raise OperatorError("--id-tokens source needs a source: name one with --token-source")
    return Mint(clock, keys, issuer, source, hand_over=handed_over)


def _token_source(settings: Settings) -> GoogleSource | None:
    wanted = settings.token_source
    if wanted is None:
        return None
    return GoogleSource(None if wanted == "metadata" else Path(wanted))


def token_pages(name: str, keys: Keys, clock: Clock) -> dict[str, Page]:
    """What a handler needs to verify the ID tokens that ``name`` issues."""

    async def about(_scope: Scope) -> Document:
        return Document(json_bytes(signing_keys.discovery(name)))

    async def key_set(_scope: Scope) -> Document:
        return Document(json_bytes(signing_keys.jwks(await keys.ring(clock.now()))))

    async def pem(_scope: Scope) -> Document:
        return Document(json_bytes(signing_keys.pem_keys(await keys.ring(clock.now()))))

    return {signing_keys.DISCOVERY_PATH: about, signing_keys.JWKS_PATH: key_set, signing_keys.PEM_PATH: pem}
