"""How calls travel: gRPC or REST, blocking or with asyncio. The faces make these their own for each API version."""
