"""The contract of a backend, kept by each of ours."""
