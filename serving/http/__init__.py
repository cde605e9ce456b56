"""The HTTP API: routes, their shapes and errors, keys, and the life of the server."""
