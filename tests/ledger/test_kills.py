"""Eight processes, killed at random moments, lose nothing; ``make kills`` does it with 200 looks and 500 kills."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.ledger.support import ROOT, Where, environment


def test_workers_that_are_killed_lose_nothing(tmp_path: Path, nowhere: Where) -> None:
    # In a process of its own, which has no threads when it forks.
    code = (
        "import json, sys; from pathlib import Path\n"
        "from tests.ledger.kills import examine, play\n"
        "where = sys.argv[2] if '://' in sys.argv[2] else Path(sys.argv[2])\n"
        "print(json.dumps(examine(play(Path(sys.argv[1]), where, 10, 20, 7))))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(nowhere)]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["looks"] >= 10
    assert found["kills"] >= 20
    assert found["phase"] == 2
