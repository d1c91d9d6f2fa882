"""What a chat window shows, without a window: no Flet is imported here."""
