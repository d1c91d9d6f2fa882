"""Who means harm, and what of it nobody else may notice.

| module | is |
|---|---|
| `mutation.py`, `elements.py` | frames made wrong on purpose, byte by byte and element by element |
| `victim.py` | who is given such frames without sockets, again and again, and what came out |
| `realm.py`, `client.py` | the victims: codec, core and link of a realm; library and window of a client |
| `sockets.py` | a real realm whose ports are all given what they do not wait for |
| `false_peer.py`, `peer.py` | somebody with the key of a peer, who floods; who lies |

The short forms are the tests here, the long ones the parts `hostile-…` of the soak. What is said by hand, one thing at
a time, is in `tests/wire/`.
"""
