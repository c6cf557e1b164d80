"""The promise of placement, measured: wrong anchors at most 1 in 1,000, lost findings 0 (see quote_set.py)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from reviewbot.core.change.patch import parse_diff
from reviewbot.errors import DiffError

EACH = 12


def _load() -> ModuleType:
    """quote_set.py beside this file; test folders are no packages."""
    name = "reviewbot_quote_set"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("quote_set.py"))
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


quote_set = _load()


@pytest.mark.parametrize("with_heads", [True, False], ids=["head files known", "diff alone"])
def test_altered_quotes_of_real_code_stand_on_the_right_line_or_on_none(*, with_heads: bool) -> None:
    cases = []
    for seed in range(8):
        change = quote_set.changes(seed, crlf=seed % 3 == 2)
        if not with_heads:
            change = quote_set.Change(change.diff)
        cases += quote_set.quote_set(change, seed, EACH)
    assert len(cases) > 2_000
    figures = quote_set.measure(cases)
    assert (figures.lost, figures.refused) == (0, 0), figures.table()
    assert len(figures.wrong) * 1_000 <= figures.total, f"{figures.table()}\n{figures.wrong[:3]}"
    assert sum(figures.exact.values()) > 0.85 * figures.total, figures.table()
    for kind in ("verbatim", "CRLF", "look-alikes", "indentation lost", "prefixes leaked", "wrong file, unknown"):
        assert figures.exact[kind] > 0.9 * figures.kinds[kind], figures.table()
    assert figures.kinds["paraphrased"] == 8 * EACH


def test_altered_quotes_of_the_corpus() -> None:
    folder = Path(__file__).resolve().parents[5] / "shared" / "corpus" / "diffs"
    if not folder.is_dir():
        pytest.skip("the corpus is not beside the project")
    cases = []
    for seed, path in enumerate(sorted(folder.glob("*.diff"))):
        if path.stat().st_size > 150_000:
            continue
        try:
            diff = parse_diff(path.read_bytes())
        except DiffError:
            continue
        if any(file.hunks for file in diff.files):
            cases += quote_set.quote_set(quote_set.Change(diff), seed, 1)
    figures = quote_set.measure(cases)
    assert figures.total > 1_000
    assert (figures.lost, figures.refused) == (0, 0)
    assert len(figures.wrong) * 1_000 <= figures.total, f"{figures.table()}\n{figures.wrong[:3]}"
    assert sum(figures.exact.values()) > 0.8 * figures.total, figures.table()
