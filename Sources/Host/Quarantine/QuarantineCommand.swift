import Base
import VolleyPlan

/// `volley-host quarantine list|show|feed`: what runs with `--quarantine` have set aside, without the plugin.
struct QuarantineCommand {
  static let words = ["list", "show", "feed"]
  static let uid = Flag(
    "uid", "UID", repeatable: true, expected: "the name of an operator, as 'list' shows it",
    help: "only records of this operator; again for more", read: { $0.isEmpty ? nil : $0 })
  static let record = Flag(
    "record", "ID", repeatable: true, expected: "a record's id, as 'show' gives it, such as 'map-1/part-0.3.jsonl:5'",
    help: "for 'show' and 'feed': only this record; again for more", read: { $0.isEmpty ? nil : $0 })
  static let flags: [FlagEntry] = [QuarantineFlags.folder.entry, uid.entry, record.entry, LookFlags.json.entry]

  private let word: String
  private let folder: QuarantineFolder
  private let uids: [String]
  private let ids: [String]
  private let asJSON: Bool

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: Self.flags, verb: "quarantine", environment: environment)
    word = try flags.word(of: "quarantine", among: Self.words)
    if word == "list" { try flags.refuse([Self.record.entry], in: "quarantine list") }
    if word != "list" { try flags.refuse([LookFlags.json.entry], in: "quarantine \(word)") }
    guard let path = try flags.value(QuarantineFlags.folder) else {
      throw Failure(
        .usage,
        "--quarantine is missing: name the folder that the job's --quarantine names, as in 'volley-host quarantine \(word) "
          + "--quarantine DIR', or set VOLLEY_QUARANTINE")
    }
    folder = QuarantineFolder(path: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    uids = try flags.values(Self.uid)
    ids = try flags.values(Self.record)
    asJSON = flags.isOn(LookFlags.json)
  }

  func run() throws(Failure) {
    switch word {
    case "list": try list()
    case "show": try show()
    default: try feed()
    }
  }

  /// The records that the flags choose.
  private func chosen() throws(Failure) -> [QuarantinedRecord] {
    let known = try folder.uids()
    for uid in uids where !known.contains(uid) {
      let hint = nearestName(to: uid, among: known).map { "did you mean '\($0)'?" } ?? "'list' shows who has"
      throw Failure(.usage, "\(folder.place): no operator '\(uid)' has set records aside; \(hint)")
    }
    var records: [QuarantinedRecord] = []
    for uid in known where uids.isEmpty || uids.contains(uid) { records += try folder.records(of: uid) }
    guard !ids.isEmpty else { return records }
    let found = Set(records.map(\.id))
    for id in ids where !found.contains(id) {
      throw Failure(.usage, "\(folder.place): there is no record '\(id)'; 'show' gives their ids")
    }
    return records.filter { ids.contains($0.id) }
  }

  /// By id of a record, the last request that it is in.
  private func requested() throws(Failure) -> [String: FeedRequests.Request] {
    var byID: [String: FeedRequests.Request] = [:]
    for request in try folder.requests.all() {
      for id in request.ids { byID[id] = request }
    }
    return byID
  }

  // MARK: list

  private func list() throws(Failure) {
    let requested = try requested()
    var byUID: [String: [QuarantinedRecord]] = [:]
    for record in try chosen() { byUID[record.uid, default: []].append(record) }
    if byUID.isEmpty && !asJSON { return try printLine("no records") }
    var rows = [["operator", "records", "fed", "to be fed", "epochs", "function", "the last error"]]
    for (uid, records) in byUID.sorted(by: { $0.key < $1.key }) {
      let fed = records.count { requested[$0.id]?.done != nil }
      let waiting = records.count { requested[$0.id] != nil } - fed
      let epochs = records.compactMap(\.epoch)
      let (first, last) = (epochs.min(), epochs.max())
      if asJSON {
        let number = { (epoch: Int64?) in epoch.map { JSONValue.int($0) } ?? .null }
        try printLine(
          JSONValue.object([
            .init("uid", .string(uid)), .init("records", .int(Int64(records.count))), .init("fed", .int(Int64(fed))),
            .init("waiting", .int(Int64(waiting))), .init("first_epoch", number(first)),
            .init("last_epoch", number(last)), .init("function", .string(records[0].text("function"))),
            .init("error", .string(records[records.count - 1].text("error"))),
          ]).text)
        continue
      }
      let range = first.map { first in first == last ? "\(first)" : "\(first) to \(last ?? first)" } ?? "none"
      rows.append([
        uid, "\(records.count)", "\(fed)", "\(waiting)", range, records[0].text("function"),
        visible(records[records.count - 1].text("error")),
      ])
    }
    if asJSON { return }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let text = zip(row, widths).map { padded($0, to: $1) }.joined(separator: "  ")
      try printLine(String(text.reversed().drop { $0 == " " }.reversed()))
    }
  }

  /// A plugin's words keep to their line, and reach no terminal as commands.
  private func visible(_ text: String) -> String {
    text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }.joined()
  }

  // MARK: show

  /// A line of JSON each: what the file has, led by the id, and by whether it was fed.
  private func show() throws(Failure) {
    let requested = try requested()
    for record in try chosen() {
      let request = requested[record.id]
      let state = request == nil ? "no" : request?.done == nil ? "asked" : "yes"
      var members: [JSONValue.Member] = [.init("id", .string(record.id)), .init("fed", .string(state))]
      if let done = request?.done { members.append(.init("fed_epoch", .int(Int64(clamping: done)))) }
      if case .object(let own) = record.line { members += own.filter { $0.name != "record" } }
      // The record as it stands in the file.
      let head = JSONValue.object(members).text.dropLast()
      try printLine("\(head),\"record\":\(String(decoding: record.record, as: UTF8.self))}")
    }
  }

  // MARK: feed

  private func feed() throws(Failure) {
    // Before a folder is made: the quarantine has to be there.
    var records = try chosen()
    let lock = try folder.requests.lock()
    defer { withExtendedLifetime(lock) {} }
    let requested = try requested()
    let asked = records.count
    records.removeAll { requested[$0.id] != nil }
    let known = asked - records.count
    let withEpoch = records.filter { $0.epoch != nil }
    let without = records.count - withEpoch.count
    if !withEpoch.isEmpty { try folder.requests.ask(for: withEpoch) }
    var text =
      "\(counted(withEpoch.count)) will be fed again by the next run with --checkpoint-dir and --quarantine \(folder.path)"
    if known > 0 { text += "; \(counted(known)) had been asked for before" }
    if without > 0 {
      text += "; \(counted(without)) of runs without checkpoints cannot be fed: run those again from their sources"
    }
    try printLine(text)
  }

  private func counted(_ count: Int) -> String { "\(count) \(count == 1 ? "record" : "records")" }
}
