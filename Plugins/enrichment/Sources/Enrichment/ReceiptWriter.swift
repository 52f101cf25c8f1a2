import Glibc
import Volley

/// One line an order. The file appears under its name when the job has ended well, and until then beside it. A job that goes on from a
/// checkpoint cuts it to what that has, so that no receipt is there twice.
final class ReceiptWriter: TransactionalSinkWriter {
  struct Receipt: Codable {
    var order: Int
    var country: String
    var net: Double
    var tax: Double
    var gross: Double
  }

  private let path: String
  private var file: UnsafeMutablePointer<FILE>?
  private var context: TaskContext?
  /// Whether the file has what a checkpoint counts.
  private var isKept = false

  init(path: String) { self.path = path }

  private var unfinished: String { path + ".part" }

  func open(_ context: TaskContext) throws {
    self.context = context
    file = fopen(unfinished, isKept ? "ae" : "we")
    if file == nil { throw failure("opened") }
  }

  func write(_ batch: Batch) throws {
    guard let file else { return }
    for receipt in try batch.rows(as: Receipt.self) {
      let line = "order \(receipt.order) \(receipt.country): \(receipt.net) + \(receipt.tax) tax = \(receipt.gross)\n"
      guard fputs(line, file) >= 0 else { throw failure("written") }
    }
    try context?.count("receipts", by: batch.rowCount)
  }

  func flush() throws {
    if let file, fflush(file) != 0 { throw failure("written") }
  }

  // MARK: Checkpoints

  func recover(own: [JSONValue], all: [JSONValue]) throws {
    guard case .int(let length)? = own.last?["bytes"] else { return }
    // The job had ended when the file has its name already.
    if access(unfinished, F_OK) != 0, rename(path, unfinished) != 0 { throw failure("gone on with") }
    guard truncate(unfinished, Int(length)) == 0 else { throw failure("cut") }
    isKept = true
  }

  func prepare(epoch: UInt64) throws -> [JSONValue] {
    guard let file else { return [] }
    try flush()
    guard fsync(fileno(file)) == 0 else { throw failure("synced") }
    try syncFolder()
    return [["bytes": .int(Int64(ftell(file)))]]
  }

  /// All of it is seen at the end.
  func commit(_ transactions: [JSONValue]) {}

  private func syncFolder() throws {
    let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/" : "."
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { if descriptor >= 0 { Glibc.close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else { throw failure("synced") }
  }

  func finish() throws {
    try flush()
    guard rename(unfinished, path) == 0 else { throw failure("put in place") }
  }

  func close() {
    if let file { fclose(file) }
    file = nil
  }

  private func failure(_ what: String) -> VolleyError {
    VolleyError(
      "the receipts cannot be \(what) at \(path): \(String(cString: strerror(errno)))", domain: .external, retry: true)
  }
}

/// The same sink for the pipelines of other plugins: `.connector("receipts", options: [("path", "receipts.txt")])`.
struct Receipts: SinkConnector {
  static let name = "receipts"
  static let summary: String? = "one line an order, with columns order, country, net, tax and gross"

  @Parameter("The file to write") var path: String

  func makeWriter(_ context: TaskContext) throws -> any SinkWriter {
    guard context.parallelism == 1 else {
      throw VolleyError(
        "connector 'receipts' writes one file and has \(context.parallelism) subtasks: give its sink parallelism 1")
    }
    return ReceiptWriter(path: path)
  }
}
