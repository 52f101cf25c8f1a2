import Glibc
import Volley

/// Lines "blue sum=… count=… kinds=… key of origin" in order, when the job has ended well.
final class TotalsWriter: SinkWriter {
  private struct Key: Hashable, Comparable {
    var origin: String
    var key: String
    static func < (left: Key, right: Key) -> Bool { (left.origin, left.key) < (right.origin, right.key) }
  }

  private var sums: [Key: Int] = [:]
  private var items: [Key: Set<Item>] = [:]
  private var counts: [Key: Int] = [:]
  private let path: String

  init(path: String) { self.path = path }

  func write(_ batch: Batch) throws {
    for item in try batch.rows(as: Item.self) {
      let key = Key(origin: item.origin, key: item.key)
      sums[key, default: 0] += item.value
      counts[key, default: 0] += 1
      items[key, default: []].insert(item)
    }
  }

  func finish() throws {
    guard let file = fopen(path, "we") else { throw VolleyError("\(path) cannot be opened", domain: .external) }
    defer { fclose(file) }
    for key in sums.keys.sorted() {
      let (sum, count, kinds) = (sums[key] ?? 0, counts[key] ?? 0, items[key]?.count ?? 0)
      fputs("blue sum=\(sum) count=\(count) kinds=\(kinds) \(key.key) of \(key.origin)\n", file)
    }
  }
}
