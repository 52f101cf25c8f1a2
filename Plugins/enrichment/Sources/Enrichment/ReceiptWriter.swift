import Glibc
import Volley

/// One line an order. The file appears under its name when the job has ended well, and until then beside it.
final class ReceiptWriter: SinkWriter {
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

  init(path: String) { self.path = path }

  private var unfinished: String { path + ".part" }

  func open(_ context: TaskContext) throws {
    self.context = context
    file = fopen(unfinished, "we")
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
