import Glibc
import Volley

/// The connector 'blue-items', a source.
struct Items: SourceConnector {
  static let name = "blue-items"

  @Parameter var rows = 1000

  func makeReader(_ context: TaskContext) throws -> any SourceReader {
    context.log(.info, "blue-items runs in process \(getpid())")
    return ItemReader(numbers: stride(from: context.subtask, to: rows, by: context.parallelism))
  }
}

final class ItemReader: SourceReader {
  private let parser = Parser()
  private var numbers: StrideTo<Int>.Iterator

  init(numbers: StrideTo<Int>) { self.numbers = numbers.makeIterator() }

  func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome {
    for row in 0..<min(maxRows, 100) {
      guard let number = numbers.next() else { return row == 0 ? .end : .rows }
      try batch.append(parser.parse(number, origin: "blue-items"))
    }
    return .rows
  }
}

/// The connector 'blue-totals', a sink.
struct Totals: SinkConnector {
  static let name = "blue-totals"

  @Parameter var path: String

  func makeWriter(_ context: TaskContext) throws -> any SinkWriter {
    context.log(.info, "blue-totals runs in process \(getpid())")
    return TotalsWriter(path: path)
  }
}
