"""Peers that want to wear a job out, at the port where it takes and serves rows and at the port of its health: while each of them does
its worst, a pyarrow client goes on putting rows and reading what becomes of them. It gets all of them, and memory stays bounded.
"""

import contextlib
import itertools
import os
import random
import select
import socket
import ssl
import struct
import subprocess
import time

import hpack
import pyarrow.flight

import flight
import harness
from hostile_peers import (
    CONTINUATION, DATA, DESCRIPTOR, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, GREETING, HEADERS, INTERNAL, INVALID_ARGUMENT,
    LARGEST, MIB, OK, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, RESET, RESOURCE_EXHAUSTED, SCHEMA_DATA, SETTINGS, SETTINGS_TIMEOUT,
    TICKET, WINDOW_UPDATE, Certificates, Peer, Site, call, delimited, encapsulated, evil_batch, field, flight_data, frame, head,
    message, text)


# MARK: Floods of frames


def floods(folder, name, bound, begin, chunks, why):
    """Connection after connection is flooded, and told to calm down; the answers are never read before that."""
    with Site(folder) as site:
        goes_on, rounds, sent = site.going(), 0, 0
        while goes_on() or rounds < 3:
            peer = site.peer()
            peer.greet()
            peer.send(begin)
            sent += peer.flood(chunks())
            assert peer.goaway == ENHANCE_YOUR_CALM and why in peer.why, f"{name}: GOAWAY {peer.goaway}, {peer.why}"
            peer.close()
            rounds += 1
        return site.end(bound, f"{rounds} connections, {sent / rounds / 1024:.0f} KiB each")


def repeated(each, count=4_000):
    return lambda: itertools.repeat(each * count)


def rapid_resets():
    """Streams that are given up as soon as they are opened, every other after all that it asks was sent."""
    for first in itertools.count(1, 400):
        yield b"".join(
            call(stream, *([b"DoPut"] if stream % 4 == 1 else [b"DoGet"])) + (b"" if stream % 4 == 1 else frame(DATA, 1, stream, TICKET))
            + frame(RESET, 0, stream, struct.pack(">I", 8)) for stream in range(first, first + 400, 2))


def endless_head():
    """CVE-2024-27316."""
    yield frame(HEADERS, 0, 1, head(b"DoPut"))
    for number in itertools.count():
        yield frame(CONTINUATION, 0, 1, field(b"x-%d" % number, b"y" * 16_000))


def bombs():
    """A field of 3,900 bytes goes into the table, and each head afterwards names it 200,000 times."""
    yield call(1, b"DoPut", field(b"x", b"y" * 3_900, indexed=True))
    for stream in itertools.count(3, 2):
        yield frame(HEADERS, END_HEADERS, stream, head(b"DoPut") + b"\xbe" * 200_000)


FLOODS = [
    ("streams that are reset at once", b"", rapid_resets, "reset streams"),
    ("a head without an end", b"", endless_head, "CONTINUATION frames"),
    ("heads that unpack to 800 MB each", b"", bombs, "streams that broke the rules"),
    ("SETTINGS whose answers are not read", b"", repeated(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65_535))), "SETTINGS frames"),
    ("PINGs whose answers are not read", b"", repeated(frame(PING, 0, 0, b"12345678")), "PING"),
    ("window updates", call(1, b"DoPut"), repeated(frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")), "WINDOW_UPDATE frames"),
    ("empty DATA frames", call(1, b"DoPut"), repeated(frame(DATA, 0, 1)), "empty frames"),
    ("priorities", b"", repeated(frame(PRIORITY, 0, 77, b"\0\0\0\0\1")), "PRIORITY frames"),
    ("frames that nobody knows", b"", repeated(frame(99, 0, 0, b"?" * 100), 1_000), "frames of unknown types"),
]


# MARK: Those who are slow


def slow_readers(folder):
    """Many subscribe and read nothing: some have no room, others all that there is. They are ended, and told why when they read."""
    # A batch has 20 bytes a row.
    with Site(folder, rows=10_000) as site:
        begin = [b"", frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0x7FFF_FFFF)) + frame(WINDOW_UPDATE, 0, 0, b"\x7f\0\0\0")]
        peers = []
        for index in range(60):
            peer = site.peer(receives=4_096)
            peer.greet()
            peer.send(begin[index % 2] + call(1, b"DoGet") + frame(DATA, END_STREAM, 1, TICKET))
            peers.append(peer)
        # Each of them is more than the buffer behind, and what a connection holds.
        site.goes_on()
        told = [peer.status() for peer in peers[1::2]]
        assert set(told) == {RESOURCE_EXHAUSTED}, f"they were told {told}"
        return site.end(96, f"{len(peers)} subscribers")


def slow_writers(folder):
    """Head and messages come a byte at a time, each byte of the message in a frame of its own. They are served."""
    with Site(folder) as site:
        header, body = encapsulated(evil_batch(1).serialize())
        stream = message(SCHEMA_DATA) + message(flight_data(header, body))
        data = b"".join(frame(DATA, 0, 1, bytes([byte])) for byte in stream) + frame(DATA, END_STREAM, 1)
        data = GREETING + frame(SETTINGS, 1) + call(1, b"DoPut") + data
        peers, offset = [site.peer(greets=False) for _ in range(40)], 0
        goes_on = site.going()
        while goes_on() or offset < len(data):
            # The rest is sent at once, for time is short, but still byte by byte.
            step = 1 if offset < 600 else 40
            for peer in peers:
                for place in range(offset, min(offset + step, len(data))):
                    assert peer.send(data[place:place + 1]), f"a slow writer was cut off after {place} bytes"
            offset += step
        told = [peer.status() for peer in peers]
        assert set(told) == {OK}, f"they were told {told}"
        return site.end(24, f"{len(peers)} writers, {len(data)} bytes each")


# MARK: Lies about lengths


def claims(folder):
    """Messages and fields that say that they are longer than anything, or as long as a message may be, and never come."""
    with Site(folder) as site:
        goes_on, rounds = site.going(), 0
        while goes_on() or rounds < 3:
            peer, stream, expected = site.peer(), itertools.count(1, 2), {}

            def put(status, data, method=b"DoPut"):
                expected[number := next(stream)] = status
                peer.send(call(number, method) + frame(DATA, 0, number, data))

            for method in [b"DoPut", b"DoGet", b"GetFlightInfo", b"DoAction"]:
                put(RESOURCE_EXHAUSTED, b"\0\xff\xff\xff\xff", method)
            for number in [2, 1000, 77]:
                for length in [1 << 31, (1 << 32) - 1, (1 << 63) - 1, (1 << 64) - 1]:
                    put(INTERNAL, struct.pack(">BI", 0, LARGEST) + delimited(number, b"", length))
            # These are waited for.
            for _ in range(20):
                put(None, struct.pack(">BI", 0, LARGEST))
                put(None, struct.pack(">BI", 0, LARGEST) + delimited(1000, b"x" * 100, LARGEST - 100))
                put(None, struct.pack(">BI", 0, LARGEST) + DESCRIPTOR + delimited(2, b"x", 1 << 20))
                put(None, struct.pack(">BI", 0, 16 * MIB), b"DoAction")
            for number, status in expected.items():
                if status is not None:
                    assert peer.status(number) == status, f"stream {number} of {expected} ended with {peer.heads.get(number)}"
            assert peer.goaway is None, f"GOAWAY {peer.goaway}: {peer.why}"
            if rounds >= 10:
                peer.close()
            rounds += 1
        return site.end(96, f"{rounds} connections, {min(rounds, 10) * 60} messages of 256 MiB under way")


def claiming_streams(folder):
    """10,000 streams of one client that each begin a message of 256 MiB, of which 100 bytes come: no dearer than streams that are idle."""
    with Site(folder) as site:
        peer = site.peer()
        peer.greet()
        claim = struct.pack(">BI", 0, LARGEST) + delimited(1000, b"x" * 100, LARGEST - 100)
        for first in range(1, 20_001, 2_000):
            assert peer.send(b"".join(call(stream, b"DoPut") + frame(DATA, 0, stream, claim) for stream in range(first, first + 2_000, 2)))
        while 19_999 not in peer.heads:
            assert peer.pull(), f"the connection ended: GOAWAY {peer.goaway}"
        site.goes_on()
        return site.end(100, "10,000 streams")


def lies(folder):
    """Each number in the head of a batch that says how many rows or bytes there are says that there are more than anybody has."""
    header, body = encapsulated(evil_batch(300).serialize())
    # Rows; bytes of numbers, of texts and of their ends; and of all.
    known = {300, 300 * 8, 301 * 4, 300 * 4, len(body)}
    places = [place for place in range(0, len(header) - 7, 4) if struct.unpack_from("<q", header, place)[0] in known]
    assert len(places) >= 8, f"{len(places)} numbers were found"
    wrong = [1 << 31, (1 << 31) - 1, 1 << 40, 1 << 61, (1 << 63) - 1, -1, -(1 << 63)]
    with Site(folder) as site:
        goes_on, rounds = site.going(), 0
        while goes_on() or rounds < 1:
            peer = site.peer()
            cases = [(place, value) for place in places for value in wrong]
            for number, (place, value) in enumerate(cases):
                bad = header[:place] + struct.pack("<q", value) + header[place + 8:]
                stream = 2 * number + 1
                data = message(SCHEMA_DATA) + message(flight_data(bad, body))
                peer.send(call(stream, b"DoPut") + frame(DATA, END_STREAM, stream, data))
                told = peer.status(stream)
                was = struct.unpack_from("<q", header, place)[0]
                assert told == INVALID_ARGUMENT, f"{value} at {place}, which was {was}: {peer.heads.get(stream)}, GOAWAY {peer.goaway}"
            peer.close()
            rounds += 1
        return site.end(32, f"{rounds} times {len(cases)} lies")


# MARK: What was once good


def recorded(site):
    """What pyarrow's client sends to put rows, byte for byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def client():
            with pyarrow.flight.connect(f"grpc://127.0.0.1:{listener.getsockname()[1]}") as client:
                writer, told = client.do_put(pyarrow.flight.FlightDescriptor.for_path("in"), flight.SCHEMA)
                for _ in range(3):
                    writer.write_with_metadata(evil_batch(50), b"x")
                    told.read()
                writer.close()

        putting = flight.Thread(client)
        connection, _ = listener.accept()
        other, found = site.reach(), b""
        with connection:
            while True:
                ready, _, _ = select.select([connection, other], [], [], harness.PATIENCE)
                assert ready, "nothing was put"
                for each in ready:
                    data = each.recv(MIB)
                    if not data:
                        putting.result()
                        return found
                    (other if each is connection else connection).sendall(data)
                    if each is connection:
                        found += data


def split(recording):
    """Its frames."""
    assert recording.startswith(PREFACE)
    frames, offset = [], len(PREFACE)
    while offset + 9 <= len(recording):
        size = 9 + int.from_bytes(recording[offset:offset + 3], "big")
        frames.append(recording[offset:offset + size])
        offset += size
    return frames


def mutated(frames, generator):
    """One to four changes."""
    frames = [bytearray(each) for each in frames]
    for _ in range(generator.randrange(1, 5)):
        place = generator.randrange(len(frames))
        each = frames[place]
        match generator.randrange(9):
            case 0 | 1 | 2:
                for _ in range(generator.randrange(1, 9)):
                    each[generator.randrange(len(each))] = generator.randrange(256)
            case 3:
                each[generator.randrange(min(9, len(each)))] ^= 1 << generator.randrange(8)
            case 4:
                frames.insert(generator.randrange(len(frames)), bytearray(each))
            case 5:
                if len(frames) > 1:
                    del frames[place]
            case 6:
                other = generator.randrange(len(frames))
                frames[place], frames[other] = frames[other], each
            case 7:
                first = generator.randrange(len(each))
                del each[first:first + generator.randrange(1, 100)]
                if not each:
                    each += b"\0"
            case 8:
                frames.insert(place, bytearray(frame(
                    generator.randrange(12), generator.randrange(256), generator.choice([0, 1, 1, 2, 3, 0x7FFF_FFFF]),
                    generator.randbytes(generator.choice([0, 1, 4, 5, 8, 100])))))
    return b"".join(frames)


def mutations(folder):
    """A DoPut of pyarrow's, changed at random again and again. Each connection comes to its end."""
    generator = random.Random(harness.SEED)
    with Site(folder) as site:
        recording = recorded(site)
        frames = split(recording)
        peer = site.peer(greets=False)
        peer.send(recording)
        assert peer.status() == OK, f"the recording itself is not good: {peer.heads}"
        goes_on, count, ends = site.going(), 0, {}
        while goes_on() or count < 600:
            peers = [site.peer(greets=False) for _ in range(20)]
            for peer in peers:
                data = mutated(frames, generator)
                peer.send(generator.choice([PREFACE] * 9 + [mutated([PREFACE], generator)]) + data)
                try:
                    peer.socket.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # It has been reset.
            for peer in peers:
                try:
                    peer.read()
                except hpack.HPACKError as error:
                    raise AssertionError(f"the answer of change {count} cannot be read: {error!r}")
                end = "an end" if peer.goaway is None else f"GOAWAY {peer.goaway}"
                end = f"status {peer.status()}" if peer.heads.get(1) else end
                ends[end] = ends.get(end, 0) + 1
                peer.close()
                count += 1
        site.peers = []
        told = ", ".join(f"{count} {end}" for end, count in sorted(ends.items(), key=lambda each: -each[1]))
        return site.end(48, f"{count} changes: {told}")


# MARK: Streams and connections that are left open


def idle_streams(folder):
    """10,000 streams of one client that never says what they are for."""
    with Site(folder) as site:
        peer = site.peer()
        peer.greet()
        for first in range(1, 20_001, 2_000):
            assert peer.send(b"".join(call(stream, b"DoPut") for stream in range(first, first + 2_000, 2)))
        # The last one has its head, and so have all others.
        while 19_999 not in peer.heads:
            assert peer.pull(), f"the connection ended: {peer.goaway} {len(peer.heads)}"
        site.goes_on()
        return site.end(100, "10,000 streams")


def half_open(folder):
    """Connections that say nothing, or stop in the midst of their greeting or handshake, at ports with TLS and without: they are
    ended ten seconds later, and others are served meanwhile.
    """
    certificates = Certificates(folder)
    for name in ["plain", "tls"]:
        os.mkdir(os.path.join(folder, name))
    with Site(os.path.join(folder, "plain")) as plain, Site(os.path.join(folder, "tls"), certificates) as tls:
        start = time.monotonic()
        silent = [plain.peer(greets=False) for _ in range(300)]
        for peer in silent[::3]:
            peer.send(GREETING[:random.Random(harness.SEED).randrange(1, len(GREETING))])
        hello = client_hello()
        stopped = [tls.peer(greets=False) for _ in range(300)]
        for peer in stopped[::3]:
            peer.send(hello[:len(hello) // 2])
        for peer in stopped[1::3]:
            # The other side waits for what follows its own hello.
            peer.send(hello)
        secure = [
            Peer(certificates.client("client").wrap_socket(tls.reach(), server_hostname="localhost"), greets=False) for _ in range(20)]
        heads = []
        for site in [plain, tls]:
            for _ in range(50):
                peer = site.reach(site.health)
                peer.sendall(b"GET /metrics HTTP/1.1\r\nHo")
                heads.append(peer)
        for site in [plain, tls]:
            site.goes_on()
            assert asked(site) == 200
        for peer in silent + stopped + secure:
            peer.read()
        for peer in silent + secure:
            assert peer.goaway == SETTINGS_TIMEOUT, f"GOAWAY {peer.goaway}"
        for peer in heads:
            told = b"".join(iter(lambda: peer.recv(65_536), b""))
            assert told.startswith(b"HTTP/1.1 408 "), told
        took = time.monotonic() - start
        for peer in secure:
            peer.close()
        return f"{took:.1f} s; {plain.end(32, 'without TLS')}; {tls.end(64, 'with TLS')}"


# MARK: Other protocols


def asked(site, path="/healthz", patience=10):
    """The status that curl gets at the health port; 0 for none within as many seconds."""
    done = subprocess.run(
        ["curl", "-sS", "-m", str(patience), "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{site.health}{path}"],
        capture_output=True, text=True)
    return int(done.stdout or 0)


def record(kind, payload, version=b"\x03\x03"):
    """Of TLS."""
    return bytes([kind]) + version + struct.pack(">H", len(payload)) + payload


def handshake(kind, payload, byte_count=None):
    return bytes([kind]) + (len(payload) if byte_count is None else byte_count).to_bytes(3, "big") + payload


def client_hello():
    """Of TLS 1.2, where a client's certificate comes in the clear."""
    extensions = b"".join(struct.pack(">HH", kind, len(data)) + data for kind, data in [
        (10, struct.pack(">HHH", 4, 29, 23)), (11, b"\1\0"), (13, struct.pack(">HHHH", 6, 0x0403, 0x0804, 0x0401)),
        (16, b"\0\3\2h2"), (23, b"")])
    suites = struct.pack(">HHHH", 0xC02B, 0xC02C, 0xC02F, 0xC030)
    hello = b"\3\3" + bytes(range(32)) + b"\0" + struct.pack(">H", len(suites)) + suites + b"\1\0"
    return record(22, handshake(1, hello + struct.pack(">H", len(extensions)) + extensions), b"\3\1")


def server_hello(connection):
    """Reads all that the other side says before it waits: whether that asks for a certificate."""
    data, asks = b"", False
    while True:
        while len(data) >= 5 and len(data) >= 5 + (size := struct.unpack_from(">H", data, 3)[0]):
            part, data = data[5:5 + size], data[5 + size:]
            while part:
                asks = asks or part[0] == 13
                if part[0] == 14:
                    return asks
                part = part[4 + int.from_bytes(part[1:4], "big"):]
        more = connection.recv(65_536)
        assert more, "the other side ended the handshake"
        data += more


def alert(connection):
    """The number of the alert that ends a connection; None without."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65_536):
            data += more
    while len(data) >= 5:
        size = struct.unpack_from(">H", data, 3)[0]
        if data[0] == 21:
            return data[6]
        data = data[5 + size:]
    return None


def certificate_garbage(folder):
    """Bytes that are no TLS, handshakes that go wrong, and certificates of clients that are damaged, endless or a stranger's."""
    certificates, generator = Certificates(folder), random.Random(harness.SEED)
    good = ssl.PEM_cert_to_DER_cert(certificates.read("client.pem").decode())
    chain = lambda *each: b"".join(len(one).to_bytes(3, "big") + one for one in each)

    def list_of(payload, byte_count=None):
        return (len(payload) if byte_count is None else byte_count).to_bytes(3, "big") + payload

    def damaged():
        bad = bytearray(good)
        for _ in range(generator.randrange(1, 20)):
            bad[generator.randrange(len(bad))] ^= generator.randrange(1, 256)
        return list_of(chain(bytes(bad)))

    cases = {
        "random bytes": lambda: list_of(chain(generator.randbytes(generator.randrange(1, 5_000)))),
        "a damaged certificate": damaged,
        "none": lambda: list_of(b""),
        "a certificate longer than its list": lambda: list_of((0xFFFF).to_bytes(3, "big") + good),
        "a list longer than its message": lambda: list_of(chain(good), 0xFFFFFF),
        "an empty certificate": lambda: list_of(chain(b"")),
        "nested without an end": lambda: list_of(chain(b"\x30\x80" * 2_000)),
    }
    with Site(folder, certificates) as site:
        goes_on, rounds, told = site.going(), 0, {}
        while goes_on() or rounds < 3:
            for name, make in cases.items():
                connection = site.reach()
                connection.sendall(client_hello())
                assert server_hello(connection), "no certificate was asked for"
                data = handshake(11, make())
                connection.sendall(b"".join(record(22, data[first:first + 16_384]) for first in range(0, len(data), 16_384)))
                # It says no more: whatever is accepted so far has no key exchange.
                connection.sendall(record(22, handshake(16, text(b"\4" + b"x" * 64))))
                number = alert(connection)
                assert number is not None, f"{name}: the connection ended without an alert"
                told.setdefault(name, set()).add(number)
            # A chain of 16 MB is announced and comes.
            connection = site.reach()
            connection.sendall(client_hello())
            server_hello(connection)
            peer = Peer(connection, greets=False)
            endless = handshake(11, list_of(chain(good)[:1], 0xFFFFF0), 0xFFFFF3)
            connection.settimeout(harness.PATIENCE)
            sent = 0
            while sent < 0xFFFFF0 and peer.send(record(22, endless + chain(good) * 15)):
                endless, sent = b"", sent + 15 * len(good)
            assert sent < 0xFFFFF0, "a chain of 16 MB was taken"
            # What is no TLS at all is not answered, and what is damaged TLS is told so.
            for bytes_, answer in [
                    (generator.randbytes(200).replace(b"\x16", b"?").replace(b"\x15", b"?"), False), (b"GET / HTTP/1.1\r\n\r\n", False),
                    (GREETING, False), (record(22, handshake(1, generator.randbytes(500))), True), (record(22, b"", b"\3\1"), None),
                    (b"\x16\xff\xff\xff\xff" + generator.randbytes(100), None)]:
                connection = site.reach()
                Peer(connection, greets=False).send(bytes_)
                if answer is None:
                    connection.shutdown(socket.SHUT_WR)
                number = alert(connection)
                assert answer is None or (number is not None) == answer, f"{bytes_[:10]}: alert {number}"
            # A stranger, and a client without a certificate: TLS 1.3 tells them once they read.
            for name in ["stranger", None]:
                try:
                    with certificates.client(name).wrap_socket(site.reach(), server_hostname="localhost") as client:
                        client.sendall(GREETING)
                        data = client.recv(1)
                    raise AssertionError(f"a client with the certificate '{name}' was answered {data}")
                except ssl.SSLError as error:
                    assert "ALERT" in str(error), error
            rounds += 1
        assert all(told[name] <= {40, 41, 42, 43, 46, 47, 48, 50, 51} for name in cases), f"alerts {told}"
        return site.end(48, f"{rounds} times, alerts {told}")


def other_protocols(folder):
    """HTTP/1 and TLS where HTTP/2 in the clear is spoken, and garbage."""
    generator = random.Random(harness.SEED)
    with Site(folder) as site:
        goes_on, rounds = site.going(), 0
        while goes_on() or rounds < 20:
            for data in [
                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /arrow HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                    client_hello(), generator.randbytes(1_000), b"\0" * 1_000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r" + b"x" * 100]:
                peer = site.peer(greets=False)
                peer.send(data)
                peer.read()
                assert peer.goaway == PROTOCOL_ERROR, f"{data[:20]}: GOAWAY {peer.goaway}"
                peer.close()
            rounds += 1
        return site.end(24, f"{rounds} times")


# MARK: The port of the health


def shout(site, data, rest=None):
    """Sends, goes on with `rest` until the other side has enough, and gives the status of its first answer."""
    peer = Peer(site.reach(site.health), greets=False)
    peer.send(data)
    count = 0
    while rest and count < 64 * MIB and not select.select([peer.socket], [], [], 0)[0]:
        if not peer.send(rest):
            break
        count += len(rest)
    assert count < 64 * MIB, "64 MiB were taken"
    found = b""
    with contextlib.suppress(ConnectionError):
        while more := peer.socket.recv(65_536):
            found += more
    peer.close()
    return int(found.split(b" ", 2)[1]) if found.startswith(b"HTTP/1.1 ") else found[:100]


def health_shouts(folder):
    """Heads and bodies without an end, and lengths that nobody has."""
    post = b"POST /metrics HTTP/1.1\r\nHost: x\r\n"
    cases = [
        (414, b"GET /", b"x" * 16_384), (431, b"GET / HTTP/1.1\r\nHost: x\r\nx: ", b"y" * 16_384),
        (431, b"GET / HTTP/1.1\r\nHost: x\r\n", b"x: y\r\n" * 3_000), (413, post + b"Content-Length: 1000000000000\r\n\r\n", None),
        ({400, 413}, post + b"Content-Length: 99999999999999999999999999\r\n\r\n", None),
        (400, post + b"Content-Length: -1\r\n\r\n", None),
        (413, post + b"Transfer-Encoding: chunked\r\n\r\n", b"10\r\n" + b"x" * 16 + b"\r\n"),
        ({400, 413}, post + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", b"x" * 4_096),
        ({400, 431}, post + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 16_384),
        ({400, 431}, post + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 3_000),
        (400, b"\r\n" * 1_000, None), (400, random.Random(harness.SEED).randbytes(1_000) + b"\n", None), ({400, 505}, PREFACE, None)]
    with Site(folder) as site:
        goes_on, rounds = site.going(), 0
        while goes_on() or rounds < 3:
            for status, data, rest in cases:
                found = shout(site, data, rest)
                is_right = found in (status if isinstance(status, set) else {status})
                assert is_right, f"{data[:100]} and {(rest or b'')[:20]}: {found} instead of {status}"
            assert asked(site) == 200 and asked(site, "/metrics") == 200
            rounds += 1
        return site.end(16, f"{rounds} times {len(cases)}")


def health_pipelines(folder):
    """Clients that ask for the metrics again and again and read no answer: somebody who asks meanwhile waits for a moment, and not for
    all that they are answered.
    """
    request, patience = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500, 3
    with Site(folder) as site:
        peers = []
        for _ in range(200):
            connection = site.reach(site.health, receives=4_096)
            connection.setblocking(False)
            peers.append(connection)
        goes_on, sent, longest = site.going(), 0, 0
        while goes_on():
            _, ready, _ = select.select([], peers, [], 0.01)
            for connection in ready:
                with contextlib.suppress(BlockingIOError):
                    sent += connection.send(request)
            start, found = time.monotonic(), asked(site, patience=patience)
            longest = max(longest, time.monotonic() - start)
            assert found == 200, f"while {len(peers)} clients read no answers, who asks for the health gets {found} within {patience} s"
        return site.end(64, f"{len(peers)} clients, {sent / MIB:.0f} MiB of requests, others waited {1000 * longest:.0f} ms at most")


def health_half_open(folder):
    """More connections that say nothing than the port takes: whoever asks is answered all the same."""
    with Site(folder) as site:
        silent = range(300)
        for _ in silent:
            # Those beyond the limit may be refused.
            with contextlib.suppress(ConnectionError):
                site.reach(site.health)
        site.goes_on()
        found = [asked(site, path) for path in ["/healthz", "/readyz", "/metrics"]]
        assert found == [200, 200, 200], f"while {len(silent)} connections say nothing, who asks for the health gets {found}"
        return site.end(24, f"{len(silent)} connections")


def checks(suite):
    for name, begin, chunks, why in FLOODS:
        suite.check(f"a flood of {name}", floods, name, 24, begin, chunks, why)
    suite.check("subscribers that read nothing", slow_readers)
    suite.check("writers that send a byte at a time", slow_writers)
    suite.check("messages that say that they are huge and never come", claims)
    suite.check("10,000 streams whose messages never come", claiming_streams)
    suite.check("batches that say that they are huge", lies)
    suite.check("a DoPut of pyarrow's that is changed at random", mutations)
    suite.check("streams that are left open", idle_streams)
    suite.check("connections that are half open", half_open)
    suite.check("garbage where TLS is spoken, certificates too", certificate_garbage)
    suite.check("other protocols where HTTP/2 is spoken", other_protocols)
    suite.check("health: heads and bodies without an end", health_shouts)
    suite.check("health: requests whose answers are not read", health_pipelines)
    suite.check("health: connections that say nothing", health_half_open)
