"""The door for GitHub Actions: `table` has the inputs and outputs, `inputs` reads them, `task` decides what an event
asks for, `runner` speaks with the runner, `run` is the story. `action.yml` starts it as ``python -I -m``.

For a review in two workflows `bundling` makes and takes the bundle, `workflow_run` reads the event between them,
`vetting` holds the bundle against GitHub, `source` does so in the review itself.
"""
