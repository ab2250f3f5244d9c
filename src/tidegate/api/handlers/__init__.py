"""Each RPC once: a handler unpacks, calls the engine, packs, for every API version through that version's dialect."""
