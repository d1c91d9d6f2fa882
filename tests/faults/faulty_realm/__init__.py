"""A realm whose disk fails on demand, and of which is known what was flushed.

`python -m tests.faults.faulty_realm FOLDER run …` is the program as it is, on the real SQLite, above a layer of ours.
FOLDER is steered and read by `tests.faults.faulty_disk`.
"""
