"""Runs a command and says as JSON, in a file, what it took: ``python -S measured.py FILE COMMAND ...``.

A process of its own between, because the most memory of a process counts that of whoever started it.
"""

import json
import os
import sys
import time

began = time.perf_counter()
child = os.fork()
if not child:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - began
with open(sys.argv[1], "w") as file:  # noqa: PTH123 - what is imported here is measured
    json.dump([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)], file)
