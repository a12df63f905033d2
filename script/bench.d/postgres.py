"""A PostgreSQL cluster in a folder, from the machine's programs, on a socket in it; stops with the measurement."""

import contextlib
import glob
import os
import shutil
import subprocess

SETTINGS = """
listen_addresses = ''
max_connections = 100
shared_buffers = 1GB
maintenance_work_mem = 256MB
work_mem = 64MB
max_wal_size = 4GB
checkpoint_timeout = 15min
"""


def programs():
    found = shutil.which("pg_ctl")
    folders = [os.path.dirname(os.path.realpath(found))] if found else sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not folders:
        raise SystemExit("PostgreSQL's server programs are missing: script/setup bench")
    return folders[-1]


def as_postgres(command):
    """The server refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


class Cluster:
    def __init__(self, folder):
        self.folder, self.bin = folder, programs()

    def url(self, database):
        return f"postgres:///{database}?host={self.folder}&user=postgres"

    def psql(self, database, sql, *more):
        command = [f"{self.bin}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", *more, database]
        done = subprocess.run(command, input=sql, text=True, capture_output=True)
        if done.returncode:
            raise SystemExit(f"psql: {done.stderr[-2000:]}")
        return done.stdout

    def create(self, database, template="template0"):
        self.psql("postgres", f"CREATE DATABASE {database} TEMPLATE {template}")


@contextlib.contextmanager
def cluster(folder):
    """Durable, like a real server: fsync is on."""
    os.makedirs(folder)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        # Its parents may be closed to others.
        parent = os.path.dirname(folder)
        os.chmod(parent, os.stat(parent).st_mode | 0o011)
    it = Cluster(folder)
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    data = f"{folder}/data"
    subprocess.run(as_postgres([f"{it.bin}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8"]), **quiet)
    with open(f"{data}/postgresql.conf", "a") as settings:
        settings.write(SETTINGS)
    subprocess.run(as_postgres([f"{it.bin}/pg_ctl", "-D", data, "-l", f"{folder}/log", "-o", f"-k {folder}", "-w", "start"]), **quiet)
    try:
        yield it
    finally:
        subprocess.run(as_postgres([f"{it.bin}/pg_ctl", "-D", data, "-m", "immediate", "stop"]), **quiet)
