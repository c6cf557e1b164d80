"""What operators see of a running server: logs, metrics, and traces when they are wanted."""
