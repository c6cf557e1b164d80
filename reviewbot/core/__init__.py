"""PURE: computes, and touches nothing. Four rooms in the order of the story: change, context, findings, report."""

VERSION = "0.1.0"
