"""Proof at length: storms, crashes and hostile input, each part for as long as one has time."""
