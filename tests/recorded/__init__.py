"""What earlier versions have left: databases of every schema, as SQL, and frames of the protocol, as hex.

Written once, by the program of the time, and never changed: a later version shows by them that it still understands.
"""
