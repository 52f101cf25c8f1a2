"""A server of HTTP/2 by the package h2, for tests of Volley's client: prints its port, and ends when its input does.

Arguments, for TLS: certificate and key."""

import collections
import os
import socket
import ssl
import sys
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

counts = collections.Counter()
connections = []
watchers = []
lock = threading.RLock()


class Connection:
    def __init__(self, stream):
        self.stream = stream
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.waiting = {}
        self.requests = {}
        self.bodies = collections.defaultdict(bytearray)

    def run(self):
        with lock:
            self.h2.initiate_connection()
            self.flush()
        while True:
            try:
                data = self.stream.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                return
            with lock:
                try:
                    events = self.h2.receive_data(data)
                except h2.exceptions.ProtocolError:
                    events = []
                for event in events:
                    self.handle(event)
                for stream in list(self.waiting):
                    self.more(stream)
                self.flush()

    def flush(self):
        try:
            self.stream.sendall(self.h2.data_to_send())
        except OSError:
            pass

    def handle(self, event):
        if isinstance(event, h2.events.RequestReceived):
            fields = dict(event.headers)
            self.requests[event.stream_id] = fields
            if fields[":path"] == "/early":
                self.answer(event.stream_id, 413, b"too large")
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            if event.stream_id in self.requests:
                self.respond(event.stream_id, self.requests[event.stream_id], bytes(self.bodies[event.stream_id]))
        elif isinstance(event, h2.events.StreamReset):
            counts["resets"] += 1
            self.waiting.pop(event.stream_id, None)
            watchers[:] = [each for each in watchers if each != (self, event.stream_id)]

    def answer(self, stream, status, body=b"", fields=(), trailers=None):
        self.h2.send_headers(stream, [(":status", str(status)), *fields], end_stream=not body and trailers is None)
        if body or trailers is not None:
            self.waiting[stream] = (bytearray(body), trailers or (), True)
            self.more(stream)

    def more(self, stream):
        """Sends what the client has room for."""
        body, trailers, ends = self.waiting[stream]
        try:
            while body:
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
                if room == 0:
                    return
                self.h2.send_data(stream, bytes(body[:room]))
                counts[self.requests[stream][":path"]] += room
                del body[:room]
            if ends:
                del self.waiting[stream]
                if trailers:
                    self.h2.send_headers(stream, trailers, end_stream=True)
                else:
                    self.h2.end_stream(stream)
        except h2.exceptions.ProtocolError:
            self.waiting.pop(stream, None)

    def respond(self, stream, fields, body):
        path = fields[":path"]
        counts["requests"] += 1
        if path.startswith("/hello"):
            told = [(name, fields.get(name, "-")) for name in (":method", ":scheme", ":authority", "x-user")]
            text = " ".join(value for _, value in told) + " " + path
            self.answer(stream, 200, text.encode(), [("content-type", "text/plain")])
        elif path == "/echo":
            told = fields.get("content-length", "-")
            self.answer(stream, 200, body, [("x-length", told)], [("x-count", str(len(body)))])
        elif path.startswith("/status/"):
            self.answer(stream, int(path.rsplit("/", 1)[1]))
        elif path == "/big":
            self.answer(stream, 200, bytes(i % 251 for i in range(251)) * 20_000)
        elif path == "/endless":
            self.answer(stream, 200, bytes(64 << 20))
        elif path.startswith("/count/"):
            self.answer(stream, 200, str(counts[path[7:]]).encode())
        elif path == "/watch":
            self.h2.send_headers(stream, [(":status", "200")])
            self.h2.send_data(stream, b"event 1\n")
            watchers.append((self, stream))
        elif path == "/tell":
            for connection, watching in watchers:
                connection.h2.send_data(watching, body)
                if body == b"end":
                    connection.h2.end_stream(watching)
                connection.flush()
            self.answer(stream, 204)
        elif path == "/refused":
            counts["refused"] += 1
            if counts["refused"] < 3:
                self.h2.reset_stream(stream, 7)
            else:
                self.answer(stream, 200, b"at last")
        elif path == "/always-refused":
            counts["always-refused"] += 1
            self.h2.reset_stream(stream, 7)
        elif path == "/elsewhere":
            counts["elsewhere"] += 1
            if counts["elsewhere"] == 1:
                self.h2.close_connection(0, last_stream_id=stream - 2 if stream > 1 else 0)
                self.flush()
                self.stream.shutdown(socket.SHUT_RDWR)
            else:
                self.answer(stream, 200, b"on another connection")
        elif path == "/reset":
            counts["reset"] += 1
            self.h2.reset_stream(stream, 2)
        elif path == "/gone":
            counts["gone"] += 1
            self.stream.shutdown(socket.SHUT_RDWR)
        elif path == "/never":
            pass
        else:
            self.answer(stream, 404)


def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=serve, args=[stream], daemon=True).start()

    def serve(stream):
        try:
            if context:
                stream = context.wrap_socket(stream, server_side=True)
            with lock:
                counts["connections"] += 1
            Connection(stream).run()
        except OSError:
            pass
        finally:
            stream.close()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
