"""Durable jobs: each is run to its end once, however often a process dies, and in one turn per pull request."""
