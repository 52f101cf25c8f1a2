import Base
import Glibc
import TestSupport
import Testing

/// The README's server of pyarrow.flight that keeps epochs, `Peers/epochs.py`, in a process of its own that begins again at the same port when
/// it died; it ends with the value.
///
/// It dies once at the next DoPut when the folder has a file `die before`, `die within` (a batch was read) or `die after` (all is stored, and
/// the client does not know).
final class FlightEpochServer: @unchecked Sendable {  // Nothing changes after `init` but `life`, which has a lock.
  struct Life {
    var starts = 0
    var isStopped = false
    var hasEnded = false
    var errors = ""
  }

  let port: Int
  let folder = TemporaryFolder()
  private let life = Monitor(Life())

  var uri: String { "grpc://localhost:\(port)" }
  var starts: Int { life.withLock { $0.starts } }

  init() throws {
    for name in ["port", "stop"] { #expect(mkfifo(folder.file(name), 0o600) == 0) }
    let (path, life) = (folder.path, life)
    let sample = String(decoding: TestProcess.contents(of: Self.sample) ?? [], as: UTF8.self)
    let program = sample + Self.harness
    let known = Monitor("0")
    try OSThread(name: "python") {
      while !life.withLock({ life in
        life.starts += 1
        return life.isStopped
      }) {
        let ended = TestProcess.python(program, arguments: [path, known.withLock { $0 }])
        life.withLock { $0.errors = ended.errors }
        if ended.status != 9 { break }
      }
      life.withLock { $0.hasEnded = true }
      life.broadcast()
    }.detach()
    let told = String(decoding: TestProcess.contents(of: folder.file("port")) ?? [], as: UTF8.self)
    guard let port = Int(told) else {
      let errors = life.wait { $0.hasEnded ? $0.errors : nil } ?? ""
      throw Failure(.software, "the Python server did not start; it needs pyarrow: \(errors.suffix(2_000))")
    }
    self.port = port
    known.withLock { $0 = told }
  }

  private static var sample: String {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast()
    return parts.joined(separator: "/") + "/Peers/epochs.py"
  }

  /// Ends the process. May be called again.
  func stop() {
    life.withLock { $0.isStopped = true }
    let descriptor = open(folder.file("stop"), O_WRONLY | O_NONBLOCK)
    if descriptor >= 0 { close(descriptor) }
    _ = life.wait(until: .now + 20_000_000_000) { $0.hasEnded ? true : nil }
  }

  deinit { stop() }

  /// The numbers that are stored, in order.
  var stored: [Int64] {
    let program = """
      import sqlite3, sys
      for row in sqlite3.connect(sys.argv[1]).execute('SELECT n FROM rows ORDER BY n'): print(row[0])
      """
    let outcome = TestProcess.python(program, arguments: [folder.file("db")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.output.split(separator: "\n").compactMap { Int64($0) }
  }

  private static let harness = """

    import os, sys, threading
    folder, port = sys.argv[1:3]
    told = open(folder + '/port', 'w') if port == '0' else None

    class Dying(EpochServer):
        def dies(self, when):
            path = folder + '/die ' + when
            if os.path.exists(path):
                os.remove(path)
                return True

        def do_put(self, context, descriptor, reader, writer):
            if self.dies('before'): os._exit(9)
            if self.dies('within'):
                reader.read_chunk()
                os._exit(9)
            super().do_put(context, descriptor, reader, writer)
            if self.dies('after'): os._exit(9)

    server = Dying('grpc://localhost:' + port, folder + '/db')
    threading.Thread(target=server.serve, daemon=True).start()
    if told:
        told.write(str(server.port))
        told.close()
    open(folder + '/stop').read()
    os._exit(0)
    """
}
