import Base
import Checkpointing
import Glibc
import VolleyPlan

/// What was asked to be fed again: in `_feed/UID/` of the quarantine, `N.jsonl` has the records of one request, `N.ids` which they
/// are, and `N.done` the epoch that has them.
///
/// A request is there from the moment at which its `N.jsonl` is, which appears whole, and stays: how far a job has read it, its
/// checkpoints say, as of any file. So a record is fed once, wherever host or verb are killed.
struct FeedRequests {
  static let folder = "_feed"

  /// Some records of one operator.
  struct Request {
    var uid: String
    var number: Int
    var path: String
    var ids: [String]
    /// The last of the epochs in which the records were set aside.
    var epoch: UInt64
    /// The epoch that has the records; nil: none, as far as is known.
    var done: UInt64?
  }

  private let quarantine: QuarantineFolder
  private var root: String { "\(quarantine.path)/\(Self.folder)" }

  init(_ quarantine: QuarantineFolder) { self.quarantine = quarantine }

  /// All of them, by operator and number.
  func all() throws(Failure) -> [Request] {
    guard let uids = try? quarantine.storage.entries(root) else { return [] }
    var requests: [Request] = []
    for uid in uids.sorted() where !uid.hasPrefix(".") {
      guard let names = try? quarantine.storage.entries("\(root)/\(uid)") else { continue }
      let numbers = names.compactMap { name in name.hasSuffix(".jsonl") ? Int(name.dropLast(6)) : nil }
      for number in numbers.sorted() { requests.append(try request(uid, number)) }
    }
    return requests
  }

  private func request(_ uid: String, _ number: Int) throws(Failure) -> Request {
    let stem = "\(root)/\(uid)/\(number)"
    var request = Request(uid: uid, number: number, path: "\(stem).jsonl", ids: [], epoch: 0)
    do throws(StorageProblem) {
      for line in try quarantine.storage.read("\(stem).ids").split(separator: UInt8(ascii: "\n")) {
        guard let value = try? JSONValue.parse(Array(line)), case .string(let id)? = value["id"],
          case .int(let epoch)? = value["epoch"]
        else { continue }
        request.ids.append(id)
        request.epoch = max(request.epoch, UInt64(clamping: epoch))
      }
    } catch {
      throw error.failure(quarantine.place)
    }
    if let bytes = try? quarantine.storage.read("\(stem).done"), let value = try? JSONValue.parse(bytes),
      case .int(let epoch)? = value["epoch"]
    {
      request.done = UInt64(clamping: epoch)
    }
    return request
  }

  // MARK: Asking

  /// Has records fed again, those of each operator in one request. The caller holds `lock`.
  func ask(for records: [QuarantinedRecord]) throws(Failure) {
    var byUID: [String: [QuarantinedRecord]] = [:]
    for record in records { byUID[record.uid, default: []].append(record) }
    for (uid, records) in byUID.sorted(by: { $0.key < $1.key }) {
      do throws(StorageProblem) { try write(records, "\(root)/\(uid)") } catch { throw error.failure(quarantine.place) }
    }
  }

  /// One verb at a time. Held until it is let go.
  func lock() throws(Failure) -> FolderLock {
    try FolderLock(root, place: quarantine.place, pause: { usleep(20_000) })
  }

  private func write(_ records: [QuarantinedRecord], _ folder: String) throws(StorageProblem) {
    let storage = quarantine.storage
    try storage.makeFolder(folder, in: root)
    // Also behind those that were never completed.
    let numbers = try storage.entries(folder).compactMap { Int($0.prefix { $0 != "." }) }
    let stem = "\(folder)/\((numbers.max() ?? 0) + 1)"
    let ids = records.map { record in
      JSONValue.object([.init("id", .string(record.id)), .init("epoch", .int(record.epoch ?? 0))]).text + "\n"
    }
    try storage.write(Array(ids.joined().utf8), to: "\(stem).ids", onlyNew: true)
    try storage.syncFile("\(stem).ids")
    let hidden = "\(stem).hidden"
    try storage.write(Array(records.map { $0.record + [UInt8(ascii: "\n")] }.joined()), to: hidden, onlyNew: false)
    try storage.syncFile(hidden)
    try storage.syncFolder(folder)
    try storage.rename(hidden, to: "\(stem).jsonl")
    try storage.syncFolder(folder)
  }

  // MARK: Feeding

  /// Notes which requests are whole in an epoch, by the positions of the source that reads them.
  ///
  /// Failing it leaves them as they are, for the next epoch.
  func note(_ requests: [Request], doneIn manifest: Manifest, source: (String) -> String) -> [Request] {
    var done: [Request] = []
    for request in requests {
      guard let stage = manifest.stages.first(where: { $0.id == source(request.uid) }) else { continue }
      let positions = stage.subtasks.flatMap(\.positions).compactMap { try? JSONValue.parse(Array($0.position.utf8)) }
        .filter { $0["path"] == .string(request.path) }
      guard Self.isWhole(positions) else { continue }
      let path = "\(root)/\(request.uid)/\(request.number).done"
      let text = JSONValue.object([.init("epoch", .int(Int64(clamping: manifest.epoch.number)))]).text
      if (try? quarantine.storage.write(Array(text.utf8), to: path, onlyNew: false)) != nil { done.append(request) }
    }
    return done
  }

  /// Whether positions of a file's parts are all of it.
  private static func isWhole(_ positions: [JSONValue]) -> Bool {
    func number(_ value: JSONValue?) -> Int64? { if case .int(let number)? = value { number } else { nil } }
    var end: Int64 = 0
    for position in positions.sorted(by: { number($0["start"]) ?? 0 < number($1["start"]) ?? 0 }) {
      guard position["done"] == true, number(position["start"]) ?? 0 <= end else { return false }
      end = number(position["end"]) ?? .max
    }
    return end == .max
  }
}
