"""Each RPC once. A handler reads the request, calls the engine and writes the answer, in its version's dialect."""
