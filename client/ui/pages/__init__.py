"""The pages, as Flet components: they read the window, and say what a person does."""
