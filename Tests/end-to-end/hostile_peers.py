"""Those who want to wear a job out, the job itself, and a client that means well: what the module hostile has them do."""

import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import hpack
import pyarrow as pa
import pyarrow.compute
import pyarrow.flight

import flight
import harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

# Of the client that means well: rows of a batch, and batches until it connects again.
ROWS, BATCHES = 200, 20
# Batches that have to come through while an attack lasts.
PROGRESS = 30

# RFC 9113, sections 6 and 7.
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
PROTOCOL_ERROR, SETTINGS_TIMEOUT, ENHANCE_YOUR_CALM = 1, 4, 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Of gRPC.
OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL = 0, 3, 8, 13
MIB = 1 << 20
# Of a message.
LARGEST = 256 * MIB


# MARK: What is sent


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


GREETING = PREFACE + frame(SETTINGS)


def integer(value, bits, first=0):
    """RFC 7541, section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    found, value = [first | most], value - most
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    return bytes([*found, value])


def text(value):
    return integer(len(value), 7) + value


def field(name, value, indexed=False):
    return (b"\x40" if indexed else b"\0") + text(name) + text(value)


def head(method, *fields):
    """That of a call, as HPACK has it."""
    path = b"/arrow.flight.protocol.FlightService/" + method
    return b"".join([
        field(b":method", b"POST"), field(b":scheme", b"http"), field(b":path", path), field(b":authority", b"x"),
        field(b"te", b"trailers"), field(b"content-type", b"application/grpc"), *fields])


def call(stream, method, *fields):
    return frame(HEADERS, END_HEADERS, stream, head(method, *fields))


def message(payload):
    """Of gRPC, with its length in front."""
    return struct.pack(">BI", 0, len(payload)) + payload


def varint(value):
    found = []
    while value >= 128:
        found.append(value % 128 + 128)
        value >>= 7
    return bytes([*found, value])


def delimited(number, payload, byte_count=None):
    """A field of protobuf; it may lie about its length."""
    return varint(number << 3 | 2) + varint(len(payload) if byte_count is None else byte_count) + payload


DESCRIPTOR = delimited(1, b"\x08\x01" + delimited(3, b"in"))


def flight_data(header=b"", body=b"", descriptor=b"", **body_length):
    return descriptor + delimited(2, header) + delimited(1000, body, **body_length)


def encapsulated(buffer):
    """Head and body of a message of Arrow IPC."""
    size = struct.unpack_from("<i", buffer, 4)[0]
    return bytes(buffer[8:8 + size]), bytes(buffer[8 + size:])


def evil_batch(count=777):
    return pa.record_batch([range(count), range(count), ["evil"] * count], schema=flight.SCHEMA)


SCHEMA_DATA = flight_data(encapsulated(flight.SCHEMA.serialize())[0], descriptor=DESCRIPTOR)
TICKET = message(delimited(1, b"out"))


# MARK: Those who send


class Peer:
    """A client that speaks frames, or what it likes."""

    def __init__(self, connection, greets=True):
        self.socket = connection
        self.socket.settimeout(harness.PATIENCE)
        self.bytes, self.frames, self.heads, self.resets = b"", [], {}, {}
        self.goaway, self.why = None, None
        self.has_ended = False
        self.decoder = hpack.Decoder()
        if greets:
            self.send(GREETING)

    def send(self, data):
        """Whether the other side was there."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError):
            return False
        return True

    def flood(self, chunks):
        """Sends, and reads nothing, until the other side has ended the connection; then reads what it said. Gives the bytes that
        were sent.
        """
        chunks, rest, count = iter(chunks), b"", 0
        self.socket.setblocking(False)
        poll, end = select.poll(), time.monotonic() + harness.PATIENCE
        poll.register(self.socket, select.POLLOUT | select.POLLRDHUP)
        while True:
            ready = poll.poll(1_000 * max(0, end - time.monotonic()))
            assert ready, f"after {count} bytes the connection was still there"
            if ready[0][1] & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
                break
            rest = rest or memoryview(next(chunks, b""))
            if not rest:
                poll.modify(self.socket, select.POLLRDHUP)
                continue
            try:
                sent = self.socket.send(rest)
            except BlockingIOError:
                continue
            except ConnectionError:
                break
            count, rest = count + sent, rest[sent:]
        self.socket.settimeout(harness.PATIENCE)
        self.read()
        return count

    def greet(self):
        """Waits for the other side's SETTINGS, which hold once they are acknowledged."""
        while (SETTINGS, 0, 0) not in self.frames and self.pull():
            pass
        return self.send(frame(SETTINGS, 1))

    def pull(self):
        """Reads what there is, at least a byte; false at the end."""
        try:
            data = self.socket.recv(MIB)
        except ConnectionError:
            data = b""
        if not data:
            self.has_ended = True
            return False
        self.bytes += data
        offset = 0
        while len(self.bytes) >= offset + 9:
            size = int.from_bytes(self.bytes[offset:offset + 3], "big")
            if len(self.bytes) < offset + 9 + size:
                break
            kind, flags, stream = struct.unpack_from(">BBI", self.bytes, offset + 3)
            self._take(kind, flags, stream, self.bytes[offset + 9:offset + 9 + size])
            offset += 9 + size
        self.bytes = self.bytes[offset:]
        return True

    def _take(self, kind, flags, stream, payload):
        self.frames.append((kind, flags, stream))
        if kind == HEADERS:
            self.heads.setdefault(stream, {}).update(self.decoder.decode(payload, raw=True))
        elif kind == RESET:
            self.resets[stream] = struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaway = struct.unpack_from(">I", payload, 4)[0]
            self.why = payload[8:].decode(errors="replace")

    def read(self):
        """To the end of the connection."""
        while self.pull():
            pass

    def status(self, stream=1):
        """What gRPC says of a stream; None if it, or the connection, ended without a word."""
        while b"grpc-status" not in self.heads.get(stream, {}) and stream not in self.resets:
            if not self.pull():
                break
        found = self.heads.get(stream, {}).get(b"grpc-status")
        return None if found is None else int(found)

    def close(self):
        self.socket.close()


class Good:
    """A client that puts batch after batch, over new connections from time to time, and reads what becomes of each before it puts the
    next one.
    """

    def __init__(self, connect, rows):
        self.connect, self.rows = connect, rows
        self.changed = threading.Condition()
        self.put = self.seen = 0
        self.longest = 0
        self.may_end = threading.Event()
        self.reader = flight.Thread(self._read)
        self.writer = flight.Thread(self._write)

    def check(self):
        for thread in [self.reader, self.writer]:
            if thread.error:
                raise thread.error

    def _read(self):
        with self.connect() as client:
            for chunk in client.do_get(pyarrow.flight.Ticket(b"out")):
                rows = chunk.data.filter(pyarrow.compute.equal(chunk.data["s"], "good"))
                keys = rows["k"].to_pylist()
                assert keys == list(range(self.seen, self.seen + len(keys))), f"{keys[:3]}… came behind {self.seen} rows"
                with self.changed:
                    self.seen += len(keys)
                    self.changed.notify_all()

    def _write(self):
        while not self.may_end.is_set():
            with self.connect() as client:
                writer, told = client.do_put(pyarrow.flight.FlightDescriptor.for_path("in"), flight.SCHEMA)
                for _ in range(BATCHES):
                    start, keys = time.monotonic(), range(self.put, self.put + self.rows)
                    batch = pa.record_batch([keys, keys, ["good"] * self.rows], schema=flight.SCHEMA)
                    writer.write_with_metadata(batch, str(self.put).encode())
                    assert told.read().to_pybytes() == str(self.put).encode(), "another message was acknowledged"
                    with self.changed:
                        self.put += self.rows
                        came = self.changed.wait_for(lambda: self.seen == self.put or self.reader.error, harness.PATIENCE)
                    if self.reader.error:
                        raise self.reader.error
                    assert came, f"{self.put} rows were put, and {self.seen} came"
                    self.longest = max(self.longest, time.monotonic() - start)
                    # Others want the processor as well.
                    if self.may_end.wait(0.002):
                        break
                writer.done_writing()
                assert told.read() is None, "more was acknowledged than put"
                writer.close()

    def end(self):
        self.may_end.set()
        self.writer.result()
        with self.connect() as client:
            list(client.do_action(pyarrow.flight.Action("end", b"in")))
        self.reader.result()
        assert self.seen == self.put, f"{self.put} rows were put, and {self.seen} came"


class Site:
    """A job that takes rows and serves them, a client that means well, and everybody else."""

    def __init__(self, folder, certificates=None, rows=ROWS):
        self.certificates, self.peers = certificates, []
        tls = certificates.options() if certificates else {}
        self.health = flight.free_port()
        self.job = flight.Job(
            folder, flight.listen(**tls), flight.serve(subscribers=1, slow="drop", buffer=MIB, **tls), health_port=self.health,
            threads=2)
        try:
            self.address = self.job.address("source.listening").removeprefix("grpc://")
            self.host, port = self.address.rsplit(":", 1)
            self.host, self.port = self.host.strip("[]"), int(port)
            self.worker = self._worker()
            self.good = Good(self._good, rows)
            # The client that means well comes and goes: as many as it takes at most.
            self.descriptors, goes_on = 0, self.going(20)
            while goes_on():
                self.descriptors = max(self.descriptors, self._descriptors())
                self.good.may_end.wait(0.005)
            self.good.longest = 0
            # Its peak is what it has now.
            with open(f"/proc/{self.worker}/clear_refs", "w") as file:
                file.write("5")
            self.before = self._memory("VmRSS")
        except BaseException:
            self.job.process.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()
        self.job.process.kill()
        self.job.process.wait()

    def _good(self):
        if self.certificates is None:
            return pyarrow.flight.connect("grpc://" + self.address)
        return pyarrow.flight.connect(
            f"grpc+tls://localhost:{self.port}", tls_root_certs=self.certificates.read("ca.pem"),
            cert_chain=self.certificates.read("client.pem"), private_key=self.certificates.read("client.key"))

    def _memory(self, name):
        """In MiB."""
        with open(f"/proc/{self.worker}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name + ":")) / 1024

    def _descriptors(self):
        return len(os.listdir(f"/proc/{self.worker}/fd"))

    def _worker(self):
        with open(f"/proc/{self.job.process.pid}/task/{self.job.process.pid}/children") as children:
            return int(children.read().split()[0])

    def reach(self, port=None, receives=None):
        """A connection, closed when the attackers leave."""
        connection = socket.socket(socket.AF_INET6 if ":" in self.host and port is None else socket.AF_INET)
        self.peers.append(connection)
        connection.settimeout(harness.PATIENCE)
        if receives:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        connection.connect((self.host if port is None else "127.0.0.1", port or self.port))
        return connection

    def peer(self, greets=True, **options):
        return Peer(self.reach(**options), greets)

    def leave(self):
        for peer in self.peers:
            peer.close()
        self.peers = []

    def check(self):
        # Whoever was started in its place is another process.
        is_there = self.job.process.poll() is None and os.path.exists(f"/proc/{self.worker}/fd/0")
        assert is_there, f"the job's process has ended: {''.join(self.job.lines)}"
        self.good.check()

    def going(self, count=PROGRESS):
        """Tells whether the client that means well has still to get so many batches from now on."""
        target, end = self.good.seen + count * self.good.rows, time.monotonic() + harness.PATIENCE

        def goes_on():
            self.check()
            assert time.monotonic() < end, f"{self.good.seen} of {target} rows came"
            return self.good.seen < target

        return goes_on

    def goes_on(self, count=PROGRESS):
        """Waits until so many more batches came through, whatever the others do meanwhile."""
        goes_on = self.going(count)
        waiting.wait_until(lambda: not goes_on(), "progress", harness.PATIENCE, pause=0.01)

    def end(self, bound, note=""):
        """The attackers leave; what they cost, with a bound in MiB."""
        self.check()
        longest = self.good.longest
        self.leave()
        # The client that means well may be about to connect again.
        waiting.wait_until(lambda: self._descriptors() <= self.descriptors, "the end of the attackers' connections", 20)
        most = self._memory("VmHWM")
        assert most - self.before < bound, f"{self.before:.0f} MiB before and {most:.0f} at most, where {bound} more are allowed; {note}"
        self.good.end()
        report = self.job.end().report
        assert report["rows_in"] >= self.good.put, f"{report['rows_in']} rows were read of {self.good.put}"
        return f"{note}{', ' if note else ''}{self.before:.0f} MiB before, {most:.0f} at most, {1000 * longest:.0f} ms the longest batch"


class Certificates:
    """An authority, and what it issues."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "certificates")
        os.mkdir(self.folder)
        self._openssl("-subj", "/CN=test authority", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))
        for name in ["server", "client"]:
            self._openssl(
                "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext",
                "basicConstraints=critical,CA:FALSE", "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-keyout",
                self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"))
        self._openssl("-subj", "/CN=stranger", "-keyout", self.path("stranger.key"), "-out", self.path("stranger.pem"))

    def _openssl(self, *words):
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", *words],
            capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def options(self):
        return dict(tlsAuthorities=self.path("ca.pem"), tlsCertificate=self.path("server.pem"), tlsKey=self.path("server.key"))

    def client(self, name=None):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        context.set_alpn_protocols(["h2"])
        if name:
            context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        return context
