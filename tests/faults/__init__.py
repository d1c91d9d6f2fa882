"""What fails below a realm or beside it, and what must be there all the same. Who means harm is in `tests/hostile/`.

| module | is |
|---|---|
| `realm_kit.py`, `proxy.py` | `World`: three real realms; networks between them that can be cut, held, slowed down |
| `realm_flows.py`, `file_flows.py`, `denied.py`, `ending.py` | who talks in it, and what each must find in the end |
| `mixed_load.py` | all of those at once, killed again and again |
| `few_descriptors/` | a realm that may have few descriptors |
| `little_unread/` | a realm in which little may wait to be read, and which may hear of no connection |
| `clocked/`, `wrong_clocks.py` | a realm whose clock is set, and what people notice of that |
| `faulty_realm/`, `faulty_disk.py`, `disk_people.py` | a realm whose files fail; the disk below; who talks there |
| `full_disk.py`, `small_disk.py` | a disk that is full again and again, mounted or by that layer |
| `changed_bytes.py`, `lost_answers.py` | a database, or its write-ahead log, of which one byte is another |
| `large_realm.py` | a realm with a million entries, killed and started |
| `storms.py`, `storm_crowd.py`, `storm_kit.py` | what many do at once to one realm; those many; the realm |
| `talkers.py` | others who talk to that realm meanwhile, from a process of their own |
| `bare_chat.py` | the binding alone in the place of that realm |

`World` is about realms and what goes between them, a storm's `Site` about many clients of one: so there are two. The
short forms are the tests here, the long ones parts of the soak.
"""
