"""What a realm remembers. No SQL and no cursor leaves this package."""
