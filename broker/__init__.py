"""Moves frames between sockets and the core. It knows libzmq, and nothing of chat."""
