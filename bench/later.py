"""`python -m bench.later HOURS manage.py …`: a process for which it is so many hours later."""

import runpy
import sys
import time

import time_machine

if __name__ == "__main__":
    hours, script, *arguments = sys.argv[1:]
    sys.argv = [script, *arguments]
    time_machine.travel(time.time() + 3600 * int(hours), tick=True).start()
    runpy.run_path(script, run_name="__main__")
