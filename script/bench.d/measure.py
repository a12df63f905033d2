"""Runs a command and measures its time and memory."""

import os
import subprocess
import time

CONVOKE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../target/release/convoke"))


def run(command, cwd, env=None, accept=(0, 4)):
    """Seconds, peak RssAnon and peak RSS in MB, standard output, standard error."""
    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(env or {})}, text=True,
        # Files, not pipes: a long answer would block without a reader.
        stdin=subprocess.DEVNULL, stdout=open(os.path.join(cwd, "stdout.log"), "w"), stderr=open(os.path.join(cwd, "stderr.log"), "w"),
    )
    anon = rss = 0
    status = f"/proc/{process.pid}/status"
    # Polled: only the kernel knows, and it keeps no peak of RssAnon.
    while process.poll() is None:
        try:
            fields = dict(line.split(":", 1) for line in open(status))
            anon = max(anon, int(fields.get("RssAnon", "0 kB").split()[0]) // 1024)
            rss = max(rss, int(fields.get("VmHWM", "0 kB").split()[0]) // 1024)
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.02)
    seconds = time.monotonic() - start
    out = open(os.path.join(cwd, "stdout.log")).read()
    err = open(os.path.join(cwd, "stderr.log")).read()
    if process.returncode not in accept:
        raise SystemExit(f"{command} ended with {process.returncode}:\n{err[-2000:]}")
    return seconds, anon, rss, out, err
