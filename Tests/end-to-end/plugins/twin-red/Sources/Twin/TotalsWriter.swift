import Glibc
import Volley

/// Lines "red origin/key: count rows, sum" in order, when the job has ended well.
final class TotalsWriter: SinkWriter {
  private let path: String
  private var totals: [String: (count: Int, sum: Int)] = [:]

  init(path: String) { self.path = path }

  func write(_ batch: Batch) throws {
    for item in try batch.rows(as: Item.self) {
      let name = "\(item.origin)/\(item.key)"
      let known = totals[name, default: (0, 0)]
      totals[name] = (known.count + 1, known.sum + item.value)
    }
  }

  func finish() throws {
    guard let file = fopen(path, "we") else { throw VolleyError("\(path) cannot be opened", domain: .external) }
    defer { fclose(file) }
    for (name, total) in totals.sorted(by: { $0.key < $1.key }) {
      fputs("red \(name): \(total.count) rows, \(total.sum)\n", file)
    }
  }
}
