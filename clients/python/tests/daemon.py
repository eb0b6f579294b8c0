# SPDX-License-Identifier: MPL-2.0
"""A belfryd of a test's own, in a directory of its own, on ports that the kernel chooses. BELFRYD names the program."""

import os
import shutil
import signal
import subprocess
import tempfile


class Daemon:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="belfry-python-")
        self.data = os.path.join(self.directory, "data")
        self.process = None
        self.start()

    def start(self):
        port = "tcp://127.0.0.1:*"
        command = [os.environ.get("BELFRYD", "belfryd"), "--data", self.data]
        command += ["--commands", port, "--feed", port, "--monitor", port]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError(f"belfryd is not ready: {line!r}")

    def end(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdout.close()

    def crash(self):
        """As a crash, and again: on other ports."""
        self.end()
        self.start()

    def remove(self):
        self.end()
        shutil.rmtree(self.directory)
