"""Starts volley-host and does to it what a terminal, a shell or a kernel would. Prints one JSON object.

driver.py SCENARIO ARGUMENTS… -- COMMAND…
"""
import json, os, pty, select, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import waiting

LIMIT = 30.0


def split(arguments):
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1:]


class Host:
    """A host whose stderr is read as events; other lines are kept."""

    def __init__(self, command, **more):
        self.events, self.lines, self.rest = [], [], b""
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, **more)

    def read_until(self, name):
        """Reads events up to the first of that name; None: up to the end of stderr."""
        end = time.monotonic() + LIMIT
        while name is None or not any(event["event"] == name for event in self.events):
            some = self.read_some(max(0, end - time.monotonic()))
            if some is None:
                if name is None:
                    return None
                raise SystemExit(f"stderr ended before {name}: {self.events} {self.lines}")
            if not some:
                raise SystemExit(f"no event {name}; so far {self.events} {self.lines}")
        return next((event for event in self.events if event["event"] == name), None)

    def read_some(self, seconds):
        """Reads what comes first: True when there was something, False when not in that time, None at the end."""
        descriptor = self.process.stderr.fileno()
        ready, _, _ = select.select([descriptor], [], [], seconds)
        if not ready:
            return False
        data = os.read(descriptor, 65536)
        if not data:
            return None
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.events.append(json.loads(line))
            else:
                self.lines.append(line.decode())
        return True

    def read_line(self, text):
        """Reads up to a line of that text, which is no event."""
        while text not in self.lines:
            if not self.read_some(LIMIT):
                raise SystemExit(f"no line {text}; so far {self.events} {self.lines}")

    def ends_within(self, seconds):
        """Reads what comes; whether stderr ended before the time was over."""
        end = time.monotonic() + seconds
        while True:
            rest = max(0, end - time.monotonic())
            if self.read_some(rest) is None:
                return True
            if rest == 0:
                return False

    def worker(self):
        return self.read_until("worker.resources")["pid"]

    def finish(self):
        self.read_until(None)
        return self.process.wait(LIMIT)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def stop(signal_name, output, command):
    """Sends one signal when rows have arrived in the output's files."""
    watch = waiting.FolderWatch(os.path.dirname(output))
    host = Host(command, stdout=subprocess.DEVNULL)
    host.read_until("job.starting")
    watch.wait_until(lambda: any(os.path.getsize(path) > 0 for path in files(output)), "the first rows", LIMIT)
    host.process.send_signal(getattr(signal, signal_name))
    return {"status": host.finish(), "lines": host.lines, "events": [event["event"] for event in host.events]}


def files(output):
    """What is written and what will become it."""
    folder, name = os.path.split(output)
    return [os.path.join(folder, other) for other in os.listdir(folder) if name in other]


def full_pipe():
    """Both ends of a pipe that takes nothing more."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, bytes(4096))
    except BlockingIOError:
        os.set_blocking(write_end, True)
    return read_end, write_end


def full(name, command, again=False):
    """A job that cannot drain, because its output is full and nobody reads it: a signal."""
    _, write_end = full_pipe()
    host = Host(command, stdout=write_end)
    worker = host.worker()
    host.read_until("job.starting")
    host.process.send_signal(getattr(signal, name))
    host.read_until("job.stopping")
    while again and not host.ends_within(0.02):
        host.process.send_signal(getattr(signal, name))
    status = host.finish()
    return {"status": status, "lines": host.lines, "worker_alive": is_alive(worker)}


def cut_short(name, command):
    """The same, and the signal again until it ends."""
    return full(name, command, again=True)


def stuck(words, command):
    """A job whose plugin says that it hangs: signals one after the other, and with "again" the last one until it ends."""
    names = words.split(",")
    host = Host(command, stdout=subprocess.DEVNULL)
    worker = host.worker()
    if "idle" in names:
        host.read_until("job.starting")
    else:
        host.read_line("hanging")
    for name in names:
        if name == "again":
            while not host.ends_within(0.02):
                host.process.send_signal(number)
        elif name == "STOP-WORKER":
            os.kill(worker, signal.SIGSTOP)
        elif name != "idle":
            number = getattr(signal, name)
            host.process.send_signal(number)
    status = host.finish()
    return {"status": status, "lines": host.lines, "worker_alive": is_alive(worker)}


def kill_supervisor(command):
    host = Host(command, stdout=subprocess.DEVNULL)
    worker = host.worker()
    host.read_until("job.starting")
    end = os.pidfd_open(worker)
    host.process.send_signal(signal.SIGKILL)
    host.process.wait()
    select.select([end], [], [], LIMIT)
    return {"worker_alive": is_alive(worker)}


def kill_worker(command):
    host = Host(command, stdout=subprocess.DEVNULL)
    worker = host.worker()
    host.read_until("job.starting")
    os.kill(worker, signal.SIGKILL)
    return {"status": host.finish(), "lines": host.lines}


def first_process(command):
    """The host as PID 1 of a namespace: it reaps an orphan that is none of its own, and obeys SIGTERM."""
    host = Host(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"] + command, stdout=subprocess.DEVNULL)
    host.read_until("job.starting")
    supervisor = int(open(f"/proc/{host.process.pid}/task/{host.process.pid}/children").read().split()[0])
    children = lambda: set(open(f"/proc/{supervisor}/task/{supervisor}/children").read().split())
    own = children()
    # It reads until this end of the pipe is closed, and is adopted when its parent ends.
    read_end, write_end = os.pipe()
    orphan = subprocess.run(
        ["nsenter", "-t", str(supervisor), "-p", "sh", "-c", f"cat <&{read_end} & true"],
        pass_fds=[read_end], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(read_end)
    (adopted,) = children() - own
    end = os.pidfd_open(int(adopted))
    os.close(write_end)
    select.select([end], [], [], LIMIT)
    # Nobody tells of a reaping. But the supervisor takes its signals in order, and answers this one through the worker.
    os.kill(supervisor, signal.SIGTERM)
    host.read_until("job.stopping")
    reaped = adopted not in children()
    return {"reaped": reaped, "status": host.finish(), "nsenter": orphan.returncode, "lines": host.lines}


def terminal(deed, command):
    """The host on a terminal of its own. Once the status line has been drawn twice, Ctrl-C is typed or the worker killed."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    text, typed, end = b"", False, time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
        if not typed and text.count(b"rows/s") >= 2:
            typed = True
            if deed == "type":
                os.write(master, b"\x03")
            else:
                os.kill(int(open(f"/proc/{pid}/task/{pid}/children").read()), signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return {"status": os.waitstatus_to_exitcode(status), "typed": typed, "text": text.decode()}


def latency(count, command):
    """Milliseconds from a line's writing on stdin to its reading on stdout."""
    host = Host(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    host.read_until("job.starting")
    times, output = [], b""
    for number in range(int(count)):
        line = f"line-{number}".encode()
        start = time.monotonic()
        os.write(host.process.stdin.fileno(), line + b"\n")
        while line + b"\n" not in output and line + b" " not in output:
            ready, _, _ = select.select([host.process.stdout], [], [], LIMIT)
            data = os.read(host.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise SystemExit(f"line {number} did not come: {output!r} {host.lines}")
            output += data
        times.append((time.monotonic() - start) * 1000)
    host.process.stdin.close()
    return {"status": host.finish(), "milliseconds": times}


def hang_up(ignored, command):
    """SIGHUP, which nohup would have had ignored."""
    prepare = (lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if ignored == "ignored" else None
    host = Host(command, stdout=subprocess.DEVNULL, preexec_fn=prepare)
    worker = host.worker()
    host.read_until("job.starting")
    host.process.send_signal(signal.SIGHUP)
    os.kill(worker, signal.SIGHUP)
    if ignored == "ignored":
        # Signals are taken in order of their numbers: by the time that SIGTERM stops the job, SIGHUP was seen.
        host.process.send_signal(signal.SIGTERM)
    return {"status": host.finish(), "stops": sum(event["event"] == "job.stopping" for event in host.events)}


if __name__ == "__main__":
    words, command = split(sys.argv[2:])
    print(json.dumps(globals()[sys.argv[1]](*words, command)))
