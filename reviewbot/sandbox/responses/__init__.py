"""A local server that speaks the Responses API, strictly and with faults on demand; it is a foreign server by role, so
it knows nothing of reviewbot but its errors, and reads the prompt as a model would: from its text."""
