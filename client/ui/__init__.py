"""The Flet client: a chat for the web and the desktop."""
