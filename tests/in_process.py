"""Code that runs in a process of its own, for what must not touch the one that tests."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def found_by(code, *arguments, environment, wrapper=()):
    """Run `code` on `arguments` with `environment`, and return what it leaves in `found` (plain values)."""
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", f"{code}\nprint(json.dumps(found))", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
