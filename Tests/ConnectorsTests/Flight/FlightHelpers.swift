import Arrow
import Glibc
import TestSupport
import VolleyPlan

/// Rows as text, NaN and all.
func texts(_ batches: [RecordBatch]) -> [[String]] {
  batches.flatMap { batch in (0..<batch.length).map { row in batch.columns.map { "\($0.literal(at: row))" } } }
}

/// What a value is told of by several threads, as its own contract allows.
struct Unchecked<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }
}

/// Text as Base64.
func encoded(_ text: String) -> String {
  let program = "import base64, sys; print(base64.b64encode(sys.argv[1].encode()).decode(), end='')"
  return TestProcess.python(program, arguments: [text]).output
}

/// The first answer of an action.
func pythonAction(_ port: Int, _ name: String, _ body: String = "") -> String {
  let program = """
    import sys, pyarrow.flight as flight
    client = flight.connect('grpc://localhost:' + sys.argv[1])
    for result in client.do_action(flight.Action(sys.argv[2], sys.argv[3].encode())): print(result.body.to_pybytes().decode(), end='')
    """
  return TestProcess.python(program, arguments: ["\(port)", name, body]).output
}

/// Listens, and says nothing to who comes.
struct SilentListener: Sendable {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    self.descriptor = descriptor
    precondition(bound, "a port of this machine can be listened at")
    port = UInt16(bigEndian: address.sin_port)
  }

  /// The connection stays open until the process ends.
  func waitForClient() { _ = accept(descriptor, nil, nil) }
}
