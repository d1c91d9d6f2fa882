"""Pages and plots drawn from what the bench and the soak have kept: `python -m tests.results`."""
