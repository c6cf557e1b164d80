"""A Responses server that finds nothing, at once or after a set latency: what is measured is reviewbot, not it."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from reviewbot.sandbox.loopback import running
from reviewbot.sandbox.responses.app import ResponsesSandbox

_NOTHING = json.dumps({"findings": [], "explanation": "Nothing.", "verdict": "correct"})


def main(latency: float, log: Path) -> None:
    """Serve until standard input closes, then write every request's text and times to ``log``."""

    def read(_text: str, _schema: dict[str, Any] | None) -> str:
        return _NOTHING

    sandbox = ResponsesSandbox(latency=latency, read=read, count_tokens=lambda text: len(text) // 4)
    with running(sandbox.app) as url:
        print(json.dumps({"base_url": f"{url}/v1"}), flush=True)
        sys.stdin.read()
    asked = [entry for entry in sandbox.answered if entry.status == 200]
    rows = [{"body": entry.body, "started": entry.started, "ended": entry.ended} for entry in asked]
    log.write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    threading.current_thread().name = "bench-model"
    main(float(sys.argv[1]), Path(sys.argv[2]))
