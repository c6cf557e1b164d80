"""The tree drawn in the docstring is the tree in the code."""

from __future__ import annotations

import inspect

from reviewbot import errors


def test_every_error_is_drawn_and_every_drawn_error_exists() -> None:
    drawn = {word for word in (errors.__doc__ or "").replace("─", " ").split() if word.isidentifier()}
    classes = {name for name, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, Exception)}
    assert classes <= drawn


def test_str_joins_message_and_remedy() -> None:
    assert str(errors.UsageError("No target.", remedy="Give one.")) == "No target. Give one."
