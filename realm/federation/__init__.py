"""Other realms: who is one, what goes there, and what comes from there. Exactly once, through any outage."""
