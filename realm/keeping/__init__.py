"""A realm's folder as its operator keeps it: backups, what becomes of them, and whether all is well with it."""
