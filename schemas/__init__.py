"""The contract as types: what goes over the wire, checked once, at the edge.

Nothing here knows how a realm works. `docs/protocol.md` is generated from these modules.
"""
