import Base
import Dataflow
import VolleyPlan

/// How far a split of a file is read, as an epoch keeps it.
struct FilePosition: Hashable {
  var path: String
  /// The split's range: of bytes, or of record batches. `end` is `Int64.max` for the last split of a file.
  var start: Int64
  var end: Int64
  /// Where the next record begins: in bytes, decompressed ones of a compressed file, or in record batches. Nil: at the split's start,
  /// before anything that would have to be known of what comes before.
  var at: Int64?
  /// Rows of the record batch `at` that were given.
  var rows: Int64 = 0
  var isDone = false
  /// The line that `at` stands in, from 1, if it is known.
  var line: Int64?
  /// The names of a header that was passed.
  var header: [String]?
  /// Of the bytes before `at`, of a file that may grow.
  var tail: Int64?
  /// The file as it was; nil of what is no regular file.
  var file: FileRecord?
  /// Of the subtask that had it.
  var subtask = 0
  var parallelism = 1
  /// What that subtask called it, if it told of its splits.
  var number: Int?

  init(_ split: FileSplit, file: FileRecord?) {
    path = split.path
    start = split.start
    end = split.end
    self.file = file
  }

  var split: FileSplit { FileSplit(path: path, start: start, end: end, fileBytes: file?.size) }
}

/// What a file was like when its splits were made and one of them was begun.
struct FileRecord: Hashable {
  /// Bytes, when it was found.
  var size: Int64
  var modified: Int64
  var identity: FileIdentity

  /// - Parameter size: when it was found; nil: now.
  init(_ file: FoundFile, size: Int64?) {
    self.size = size ?? file.byteCount
    modified = file.modified
    identity = file.identity
  }

  /// Whether it is that file, under whatever name: by its number in the file system, whose own number changes when a machine is
  /// started anew, or by all that is left of one that was copied with its time.
  func isSame(_ file: FoundFile, path: String) -> Bool {
    identity.hasNumber(of: file.identity) || (path == file.path && size == file.byteCount && modified == file.modified)
  }
}

extension FilePosition {
  /// - Parameter isWatched: whether another file may come under the same name, and is read too.
  func named(isWatched: Bool) -> SplitPosition {
    var name = "\(path)@\(start)"
    if isWatched, let identity = file?.identity { name += "#\(identity.text)" }
    return SplitPosition(split: name, position: json.text)
  }

  private var json: JSONValue {
    var members: [JSONValue.Member] = [.init("path", .string(path)), .init("start", .int(start))]
    if end != .max { members.append(.init("end", .int(end))) }
    if isDone { members.append(.init("done", true)) }
    if let at { members.append(.init("at", .int(at))) }
    if rows > 0 { members.append(.init("rows", .int(rows))) }
    if let line { members.append(.init("line", .int(line))) }
    if let header { members.append(.init("header", .array(header.map { .string($0) }))) }
    if let tail { members.append(.init("tail", .int(tail))) }
    if let file {
      let identity = file.identity.numbers
      members.append(
        .init(
          "file",
          .object([
            .init("size", .int(file.size)), .init("modified", .int(file.modified)), .init("device", .int(identity[0])),
            .init("inode", .int(identity[1])), .init("birth", .int(identity[2])),
          ])))
    }
    members.append(.init("subtask", .int(Int64(subtask))))
    members.append(.init("parallelism", .int(Int64(parallelism))))
    if let number { members.append(.init("number", .int(Int64(number)))) }
    return .object(members)
  }

  /// Nil when the text is no position of a file's split.
  init?(json: JSONValue) {
    guard let path = json["path"]?.text(), let start = json["start"]?.integer else { return nil }
    self.path = path
    self.start = start
    end = json["end"]?.integer ?? .max
    at = json["at"]?.integer
    rows = json["rows"]?.integer ?? 0
    isDone = json["done"] == true
    line = json["line"]?.integer
    if case .array(let names)? = json["header"] { header = names.compactMap { $0.text() } }
    tail = json["tail"]?.integer
    if let file = json["file"], let size = file["size"]?.integer, let modified = file["modified"]?.integer,
      let device = file["device"]?.integer, let inode = file["inode"]?.integer, let birth = file["birth"]?.integer
    {
      self.file = FileRecord(
        size: size, modified: modified, identity: FileIdentity(numbers: [device, inode, birth]))
    }
    subtask = Int(json["subtask"]?.integer ?? 0)
    parallelism = Int(json["parallelism"]?.integer ?? 1)
    number = json["number"]?.integer.map { Int($0) }
    guard start >= 0, end > start, (at ?? start) >= 0, rows >= 0, subtask >= 0, parallelism > subtask else {
      return nil
    }
  }
}

extension FileRecord {
  init(size: Int64, modified: Int64, identity: FileIdentity) {
    self.size = size
    self.modified = modified
    self.identity = identity
  }
}

extension FilePosition {
  /// Whether bytes of a text are behind this position: of a record that begins there.
  func covers(_ offset: Int64, of path: String) -> Bool {
    path == self.path && offset >= start && offset < (isDone ? end : at ?? start)
  }

  /// Whether it is of the same split of the same file as a later one.
  func isEarlier(of later: FilePosition) -> Bool {
    guard start == later.start else { return false }
    guard let file, let other = later.file else { return path == later.path }
    return file.identity.hasNumber(of: other.identity)
      || (path == later.path && file.size == other.size && file.modified == other.modified)
  }

  /// Refuses a file whose rows are not those that were counted.
  ///
  /// A file of text that has grown is the same, if the bytes in front of the position are.
  ///
  /// - Parameters:
  ///   - found: what is there now; nil: nothing, or no regular file.
  ///   - place: leads messages: "source 'orders' (csv)".
  /// - Returns: whether it has grown.
  func check(_ found: FoundFile?, place: String) throws(Failure) -> Bool {
    let remedy = "bring it back as it was, or begin the source anew (--reset-source)"
    guard let file else {
      throw Failure(
        .noInput,
        "\(place): \(path): is no regular file, and what the checkpoint counts of it cannot be read again; begin the source anew "
          + "(--reset-source)")
    }
    guard let found else {
      throw Failure(
        .noInput, "\(place): \(path): is not there, and the checkpoint goes on within it; \(remedy)")
    }
    if found.byteCount == file.size, found.modified == file.modified { return false }
    if found.byteCount > file.size, file.identity.hasNumber(of: found.identity), isDone || at == nil { return true }
    if found.byteCount > file.size, let at, let tail, tailHash(of: found.path, before: at) == tail { return true }
    let sizes =
      found.byteCount == file.size
      ? "it was written at another time" : "it had \(file.size) bytes and has \(found.byteCount)"
    throw Failure(
      .noInput, "\(place): \(path): has changed since the checkpoint was taken: \(sizes); \(remedy)")
  }
}

extension JSONValue {
  /// An integer.
  var integer: Int64? { if case .int(let number) = self { number } else { nil } }

  /// A string.
  func text() -> String? { if case .string(let text) = self { text } else { nil } }
}
