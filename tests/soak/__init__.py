"""Realms that talk to each other for minutes while everything that can happen to them does."""
