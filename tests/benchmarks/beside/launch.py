"""Runs one command and tells what it took: `python -I -S launch.py COMMAND…`; JSON on stdout.

A process of its own, and a small one: a child's peak memory begins with that of whoever started it, and the benchmark's would
hide the child's.
"""

import json
import os
import sys
import time

began = time.perf_counter()
with open(os.devnull, "w") as nowhere:
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)])
    _, status, used = os.wait4(child, 0)
wall = time.perf_counter() - began
kb = used.ru_maxrss / 1024 if sys.platform == "darwin" else used.ru_maxrss
print(json.dumps({"cpu_ms": (used.ru_utime + used.ru_stime) * 1e3, "wall_ms": wall * 1e3, "peak_mb": kb / 1024}))
sys.exit(os.waitstatus_to_exitcode(status))
