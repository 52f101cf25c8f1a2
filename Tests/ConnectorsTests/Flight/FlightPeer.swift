import Base
import Glibc
import TestSupport
import Testing

/// Runs what waits on a thread of its own: tests run on threads that must not wait.
func aside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    do throws(Failure) {
      try OSThread(name: "aside") { continuation.resume(with: Result { try body() }) }.detach()
    } catch {
      continuation.resume(throwing: error)
    }
  }
}

/// A server of pyarrow.flight in a process of its own, which ends with the value.
///
/// Its tickets: `file:PATH`, the Arrow stream of a file; `part:PATH:I:N`, one of N parts of its batches; `endless`; `silent`, which
/// gives nothing after its schema; `die`, which kills the process after three batches; `error`. Its paths: `["file", PATH, N]`, a flight
/// of N endpoints; `["fresh", PATH, N]`, the same with new tickets each time; `["bare", PATH, N]`, without a schema. Its actions:
/// `count`, batches of `endless` that were asked for; `streams`, of DoPut; `rows` and `save`, of what was put to a path. Paths of DoPut:
/// `stuck`, `refused`, `die`, `acknowledged`, `silent` (never ends), or any name.
final class PythonFlightServer: @unchecked Sendable {  // Nothing changes after `init` but `outcome`, which has a lock.
  let port: Int
  let folder = TemporaryFolder()
  private let outcome = Monitor<TestProcess.Outcome?>(nil)

  private let isSecure: Bool

  var uri: String { "\(isSecure ? "grpc+tls" : "grpc")://localhost:\(port)" }

  /// - Parameters:
  ///   - token: what callers have to show; the user `ada` with the password `secret` gets it.
  ///   - tls: its certificate; nil: in the clear.
  ///   - clients: path of the certificates that vouch for clients; nil: clients need none.
  init(token: String = "", tls: TestAuthority.Pair? = nil, clients: String? = nil) throws {
    isSecure = tls != nil
    let files = tls.map { [$0.certificate, $0.key, clients ?? ""] } ?? []
    for name in ["port", "stop"] { #expect(mkfifo(folder.file(name), 0o600) == 0) }
    let (path, outcome) = (folder.path, outcome)
    try OSThread(name: "python") {
      let ended = TestProcess.python(Self.program, arguments: [path, token] + files)
      outcome.withLock { $0 = ended }
      outcome.broadcast()
    }.detach()
    let told = String(decoding: TestProcess.contents(of: folder.file("port")) ?? [], as: UTF8.self)
    guard let port = Int(told) else {
      let errors = outcome.wait { $0 }?.errors ?? ""
      throw Failure(.software, "the Python server did not start; it needs pyarrow: \(errors.suffix(2_000))")
    }
    self.port = port
  }

  /// Ends the process. May be called again.
  func stop() {
    // Who is gone already has closed its end: opening fails then.
    let descriptor = open(folder.file("stop"), O_WRONLY | O_NONBLOCK)
    if descriptor >= 0 { close(descriptor) }
    _ = outcome.wait(until: .now + 20_000_000_000) { $0 }
  }

  deinit { stop() }

  private static let program = """
    import os, signal, sys, threading
    folder, token, *tls = sys.argv[1:]
    told = open(folder + '/port', 'w')
    import pyarrow as pa, pyarrow.flight as flight

    def batches(path):
        with pa.ipc.open_stream(path) as reader: return reader.schema, list(reader)

    numbers = pa.schema([('n', pa.int64()), ('s', pa.utf8())])

    def batch(first, rows=1000):
        return pa.record_batch([pa.array(range(first, first + rows)), pa.array(['x' * 50] * rows)], schema=numbers)

    class Server(flight.FlightServerBase):
        count = 0
        fresh = 0
        halt = threading.Event()

        def endless(self):
            while not self.halt.is_set():
                self.count += 1
                yield batch(self.count)

        def silent(self):
            self.halt.wait()
            yield batch(0)

        def die(self):
            for index in range(3): yield batch(index)
            os.kill(os.getpid(), signal.SIGKILL)

        def do_get(self, context, ticket):
            name, *parts = ticket.ticket.decode('utf-8', 'replace').split(':')
            if name in ('endless', 'silent', 'die'): return flight.GeneratorStream(numbers, getattr(self, name)())
            # A stream of a generator would send the dictionaries of its first batch only.
            if name == 'file': return flight.RecordBatchStream(pa.ipc.open_stream(parts[0]))
            if name == 'part':
                schema, found = batches(parts[0])
                return flight.GeneratorStream(schema, iter(found[int(parts[1])::int(parts[2])]))
            if name == 'error': raise flight.FlightServerError('it cannot')
            raise KeyError('there is no ' + name)

        def get_flight_info(self, context, descriptor):
            if not descriptor.path: descriptor = flight.FlightDescriptor.for_path(*descriptor.command.split(b' '))
            kind, path, count = [part.decode() for part in descriptor.path]
            self.fresh += 1
            ends = []
            for index in range(int(count)):
                ticket = 'part:%s:%d:%s' % (path, index, count)
                if kind == 'fresh': ticket += ':%d' % self.fresh
                locations = [[], ['grpc://localhost:%d' % self.port], ['arrow-flight-reuse-connection://?']][index % 3]
                ends.append(flight.FlightEndpoint(ticket, locations))
            return flight.FlightInfo(batches(path)[0], descriptor, ends, -1, -1)

        stored = {}
        streams = 0

        def do_put(self, context, descriptor, reader, writer):
            name = descriptor.path[0].decode()
            self.streams += 1
            if name == 'early':
                reader.read_chunk()
                return
            if name == 'stuck':
                reader.read_chunk()
                self.halt.wait()
            for index, chunk in enumerate(reader):
                if name == 'refused' and index == 2: raise flight.FlightServerError('the disk is full')
                if name == 'die' and index == 2: os.kill(os.getpid(), signal.SIGKILL)
                self.stored.setdefault(name, []).append(chunk.data)
                if name == 'acknowledged': writer.write(b'%d' % index)
            if name == 'silent': self.halt.wait()

        def do_action(self, context, action):
            if action.type == 'count': return [str(self.count).encode()]
            if action.type == 'streams': return [str(self.streams).encode()]
            if action.type == 'rows': return [str(sum(len(batch) for batch in self.stored.get(action.body.to_pybytes().decode(), []))).encode()]
            if action.type == 'save':
                name, path = action.body.to_pybytes().decode().split(':')
                with pa.ipc.new_stream(path, self.stored[name][0].schema) as file:
                    for stored in self.stored[name]: file.write_batch(stored)
                return [b'saved']
            raise KeyError('there is no action ' + action.type)

    class NoHandshake(flight.ServerAuthHandler):
        def authenticate(self, outgoing, incoming): pass
        def is_valid(self, token): return ''

    class Login(flight.ServerMiddleware):
        def __init__(self, given): self.given = given
        def sending_headers(self): return {'authorization': 'Bearer ' + token} if self.given else {}

    class Logins(flight.ServerMiddlewareFactory):
        def start_call(self, info, headers):
            values = headers.get('authorization') or headers.get('Authorization') or ['']
            if values[0] == 'Basic YWRhOnNlY3JldA==': return Login(True)
            if values[0] != 'Bearer ' + token: raise flight.FlightUnauthenticatedError('wrong token')
            return Login(False)

    if tls:
        cert, key, roots = [open(path, 'rb').read() if path else None for path in tls]
        server = Server(
            'grpc+tls://127.0.0.1:0', tls_certificates=[(cert, key)], verify_client=roots is not None, root_certificates=roots)
    elif token:
        server = Server('grpc://127.0.0.1:0', auth_handler=NoHandshake(), middleware={'login': Logins()})
    else:
        server = Server('grpc://127.0.0.1:0')
    threading.Thread(target=server.serve, daemon=True).start()
    told.write(str(server.port))
    told.close()
    open(folder + '/stop').read()
    server.halt.set()
    os._exit(0)
    """
}
