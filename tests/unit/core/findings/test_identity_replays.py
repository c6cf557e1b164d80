"""Replays of many pushes with a rewording model: what is posted twice, and what is held back for something else.

The figures are pooled over scripts and seeds; ``python replays.py --seeds 50`` explores others and shows each fault.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _replays() -> ModuleType:
    path = Path(__file__).with_name("replays.py")
    spec = importlib.util.spec_from_file_location("replays", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replays"] = module
    spec.loader.exec_module(module)
    return module


REPLAYS = _replays()
SEEDS = (100, 101, 102)


@pytest.mark.parametrize("scripts", [REPLAYS.CHOSEN_ON, REPLAYS.HELD_OUT], ids=["chosen-on", "held-out"])
def test_nothing_is_posted_twice_and_little_is_merged(scripts: tuple[object, ...]) -> None:
    figures = REPLAYS.measure(scripts, SEEDS)
    print(figures)
    assert figures.pushes >= 20 * len(scripts) * len(SEEDS)
    assert figures.again == []
    assert len(figures.merged) <= figures.raised / 100
    assert figures.lost == set()


@pytest.mark.parametrize("scripts", [REPLAYS.CHOSEN_ON, REPLAYS.HELD_OUT], ids=["chosen-on", "held-out"])
def test_without_a_store_of_earlier_runs_few_are_posted_twice(scripts: tuple[object, ...]) -> None:
    """The Action has only GitHub to remember by: one wording of each finding."""
    figures = REPLAYS.measure(scripts, SEEDS, stored=False)
    print(figures)
    assert len(figures.again) <= figures.raised / 300
    assert len(figures.merged) <= figures.raised / 100
