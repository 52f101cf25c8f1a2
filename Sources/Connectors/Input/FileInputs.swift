import Base
import Dataflow
import VolleyPlan

/// The splits of files that one subtask reads, one after the other, and how far it is.
///
/// Splits that are known from the start are shared out by `FileSplit.assigned`, however many subtasks there are and were; of
/// watched files each goes to who asks first, and one that was begun before a restart to the subtask that had it, or to another one
/// when there are fewer.
final class FileInputs {
  /// A split to be read, and from where.
  struct Part {
    var split: FileSplit
    /// Where it was left before a restart; nil: it is begun.
    var position: FilePosition?
    /// Where it is left, of a source that gives an epoch's rows alone; nil: it is read to its end.
    var bound: FilePosition?
    /// Of such a source: parts of the file were read later.
    var goesOn = false

    /// The file as it is now; nil: it is no regular one.
    var found: FileRecord? { FoundFile(path: split.path).map { FileRecord($0, size: split.fileBytes) } }
  }

  private(set) var watched: WatchedFiles?
  private let all: [FileSplit]
  private let index: Int
  private let parallelism: Int
  /// Where its bad records go; nil: it has none.
  private let policy: BadRecordPolicy?
  private let journal: SourceJournal?
  private let place: String
  /// Whether a file that has grown is the same.
  private let mayGrow: Bool
  private var waiting: ArraySlice<Part>
  private var done: [FilePosition] = []
  /// What this subtask called the splits that it had before a restart, by path and start.
  private var numbers: [FileSplit.Place: Int] = [:]
  /// Where all subtasks were before a restart.
  private var resumed: [FilePosition] = []

  /// - Parameters:
  ///   - all: the splits of the whole source.
  ///   - policy: of the whole source; nil: it has no bad records, or somebody else tells of them.
  init(
    _ all: [FileSplit], index: Int = 0, parallelism: Int = 1, place: String, policy: BadRecordPolicy? = nil,
    journal: SourceJournal? = nil, mayGrow: Bool = false
  ) {
    watched = nil
    self.all = all
    self.index = index
    self.parallelism = parallelism
    self.policy = policy
    self.journal = journal
    self.place = place
    self.mayGrow = mayGrow
    waiting = FileSplit.assigned(all, to: index, of: parallelism).map { Part(split: $0) }[...]
  }

  init(
    watched: WatchedFiles, index: Int = 0, parallelism: Int = 1, place: String, policy: BadRecordPolicy? = nil
  ) {
    self.watched = watched
    self.index = index
    self.parallelism = parallelism
    self.policy = policy
    self.place = place
    journal = nil
    mayGrow = true
    all = []
    waiting = []
  }

  /// Some parts of a source's, whose positions its own inputs tell.
  init(parts: [Part], place: String) {
    watched = nil
    all = []
    index = 0
    parallelism = 1
    policy = nil
    journal = nil
    self.place = place
    mayGrow = false
    waiting = parts[...]
  }

  func open() throws(Failure) {
    try watched?.open()
    policy?.begin()
  }

  /// The next split; nil when there is none, or, of watched files, none yet.
  func next() throws(Failure) -> Part? {
    if let part = waiting.popFirst() { return part }
    return try watched?.take().map { Part(split: $0) }
  }

  /// All own parts of the next file, which follow each other.
  func nextFile() throws(Failure) -> [Part]? {
    guard let first = try next() else { return nil }
    var parts = [first]
    while watched == nil, let part = waiting.first, part.split.path == first.split.path {
      parts.append(part)
      waiting.removeFirst()
    }
    return parts
  }

  /// What was the number of some parts of a file before a restart; nil: they are new.
  func formerNumber(of parts: [Part]) -> Int? {
    guard let split = parts.first?.split else { return nil }
    if watched != nil { return numbers[split.place] }
    return numbers.first { $0.key.path == split.path }?.value
  }

  /// A number above all that former runs of this subtask gave.
  var firstNumber: Int { (numbers.values.max() ?? -1) + 1 }

  /// Nothing more comes of these.
  func finish(_ positions: [FilePosition]) { done += positions }

  /// How far all splits are that were begun.
  ///
  /// - Parameter current: those that are being read.
  func filePositions(_ current: [FilePosition]) -> [FilePosition] {
    var positions = done + waiting.compactMap(\.position) + current
    for place in positions.indices {
      positions[place].subtask = index
      positions[place].parallelism = parallelism
    }
    return positions
  }
}

// MARK: Epochs

extension FileInputs {
  /// What is no split of a file, and told by the first subtask: from which byte on the dead-letter file is this job's.
  private static let deadLetters = "dead letters"

  /// As `ReplayableSource.positions`. Bad records that were set aside are on the disk when this returns.
  func positions(_ current: [FilePosition]) throws(Failure) -> [SplitPosition] {
    try policy?.flush()
    if let watched { done = watched.remembered(done) }
    var positions = filePositions(current).map { $0.named(isWatched: watched != nil) }
    if index == 0, let start = policy?.start {
      let position = JSONValue.object([.init("from", .int(start))]).text
      positions.append(SplitPosition(split: Self.deadLetters, position: position))
    }
    return positions
  }

  /// As `ReplayableSource.resume`.
  func resume(at positions: [SplitPosition]) throws(Failure) {
    var (files, deadLettersFrom) = try read(positions)
    resumed = files
    if let deadLettersFrom { try policy?.resume(from: deadLettersFrom, files) }
    if let watched {
      files = try watched.resume(files)
      take(files.filter { $0.subtask % parallelism == index })
    } else {
      try resumeKnown(files)
    }
  }

  private func read(
    _ positions: [SplitPosition]
  ) throws(Failure) -> (files: [FilePosition], deadLettersFrom: Int64?) {
    var files: [FilePosition] = []
    var deadLettersFrom: Int64?
    for position in positions {
      let json = try? JSONValue.parse(Array(position.position.utf8))
      if position.split == Self.deadLetters, let from = json?["from"]?.integer {
        deadLettersFrom = from
      } else if let file = json.flatMap({ FilePosition(json: $0) }) {
        files.append(file)
      } else {
        throw Failure(
          .data,
          "\(place): the checkpoint's position '\(position.position.prefix(200))' of the split '\(position.split)' is none of a file; "
            + "begin the source anew (--reset-source)")
      }
    }
    return (files, deadLettersFrom)
  }

  /// As `ReplayableSource.missing`: files of which something was read and that are not there as they were.
  func missing(of positions: [SplitPosition]) -> [String] {
    guard let (files, _) = try? read(positions) else { return [] }
    let moved = watched?.inodes ?? [:]
    let gone = files.filter { position in
      guard position.isDone || position.at != nil else { return false }
      // A watched file may have another name by now.
      let found = [FoundFile(path: position.path), position.file.flatMap { moved[$0.identity.numbers[1]] }]
      return !found.compactMap(\.self).contains { file in
        position.file?.isSame(file, path: position.path) == true && (try? position.check(file, place: place)) != nil
      }
    }
    return Set(gone.map(\.path)).sorted()
  }

  private func resumeKnown(_ files: [FilePosition]) throws(Failure) {
    let byPath = Dictionary(grouping: files, by: \.path)
    for position in files { try check(position, among: byPath[position.path] ?? []) }
    // The splits are those of before, also of a file that has grown.
    var seen: Set<String> = []
    var splits: [FileSplit] = []
    for split in all {
      guard let known = byPath[split.path] else {
        splits.append(split)
        continue
      }
      guard seen.insert(split.path).inserted else { continue }
      splits += mayGrow ? Self.splits(known) : all.filter { $0.path == split.path }
    }
    let own = FileSplit.assigned(splits, to: index, of: parallelism)
    let positions = Dictionary(files.map { ($0.split.place, $0) }, uniquingKeysWith: { first, _ in first })
    waiting = own.filter { positions[$0.place] == nil }.map { Part(split: $0) }[...]
    let inAll = Set(splits.map(\.place))
    // Of files that are gone the first subtask keeps that they are done.
    take(own.compactMap { positions[$0.place] } + (index == 0 ? files.filter { !inAll.contains($0.split.place) } : []))
  }

  /// - Parameter siblings: the positions of the same file.
  private func check(_ position: FilePosition, among siblings: [FilePosition]) throws(Failure) {
    let found = FoundFile(path: position.path)
    let isOver = Self.areOver(siblings)
    if isOver, found == nil || position.file == nil { return }
    if try position.check(found, place: place) {
      guard mayGrow else {
        throw Failure(
          .noInput,
          "\(place): \(position.path): has grown since the checkpoint was taken, which no file of this format does; bring it back as "
            + "it was, or begin the source anew (--reset-source)")
      }
      if position.isDone, position.end == .max { journal?.tellGrown(position.path) }
    }
  }

  /// As `BoundedSource.end`: what is read is what the positions say, by the subtask that they say; no file is looked for.
  func end(at positions: [SplitPosition]) throws(Failure) {
    let (files, _) = try read(positions)
    let isWatched = watched != nil
    watched = nil
    let byPath = Dictionary(grouping: files, by: \.path)
    let former = Dictionary(grouping: resumed, by: \.path)
    var parts: [Part] = []
    for bound in files {
      guard bound.parallelism == parallelism else {
        throw Failure(
          .usage,
          "\(place): the rows were read with the parallelism \(bound.parallelism), and it is \(parallelism) now; take the same"
        )
      }
      guard bound.subtask == index else { continue }
      let position =
        former[bound.path]?.first { $0.isEarlier(of: bound) }
        ?? (isWatched ? resumed.first { $0.isEarlier(of: bound) } : nil)
      // One that was begun and gave nothing is begun again: event time waits for it.
      if position?.isDone == true { continue }
      if try bound.check(FoundFile(path: bound.path), place: place), bound.isDone, bound.end == .max || !mayGrow {
        throw Failure(
          .noInput,
          "\(place): \(bound.path): has grown since the epoch, and where it ended then is not known; bring it back as it was"
        )
      }
      parts.append(
        Part(
          split: bound.split, position: position, bound: bound.isDone ? nil : bound,
          goesOn: !bound.isDone || !Self.areOver(byPath[bound.path] ?? [])))
    }
    // As they were read: files that were begun come first, then the others in the order in which they were found.
    let begun = Set(parts.filter { $0.position != nil }.map(\.split.path))
    let found = Dictionary(files.map { ($0.path, $0.file?.modified ?? 0) }, uniquingKeysWith: { first, _ in first })
    func order(_ part: Part) -> (Int, Int64, String, Int64) {
      let path = part.split.path
      return (begun.contains(path) ? 0 : 1, isWatched ? found[path] ?? 0 : 0, path, part.split.start)
    }
    waiting = parts.sorted { order($0) < order($1) }[...]
  }

  /// Those that were begun come before the others.
  private func take(_ positions: [FilePosition]) {
    var positions = positions
    // Numbers mean something only where a subtask has the splits that it had.
    for place in positions.indices where positions[place].parallelism != parallelism { positions[place].number = nil }
    for position in positions { numbers[position.split.place] = position.number }
    done = positions.filter(\.isDone)
    let files = Set(positions.map(\.path))
    let parts =
      positions.filter { !$0.isDone }.map { Part(split: $0.split, position: $0) }
      + waiting.filter { files.contains($0.split.path) }
    // The parts of a file stay together.
    let begun = parts.sorted { ($0.split.path, $0.split.start) < ($1.split.path, $1.split.start) }
    waiting = (begun + waiting.filter { !files.contains($0.split.path) })[...]
  }

  /// Whether all of a file was read.
  ///
  /// - Parameter positions: all that are known of it.
  static func areOver(_ positions: [FilePosition]) -> Bool {
    var end: Int64 = 0
    for position in positions.sorted(by: { $0.start < $1.start }) {
      guard position.isDone, position.start <= end else { return false }
      end = position.end
    }
    return end == .max
  }

  /// The splits of a file, of which some are known.
  static func splits(_ known: [FilePosition]) -> [FileSplit] {
    guard let first = known.first, let size = first.file?.size else { return known.map(\.split) }
    let isSplit = known.contains { $0.start > 0 || $0.end != .max }
    return FileSplit.splits(of: first.path, byteCount: size, isSplittable: isSplit)
  }
}

extension FileSplit {
  /// What names it among the splits of a source.
  struct Place: Hashable {
    let path: String
    let start: Int64
  }

  var place: Place { Place(path: path, start: start) }
}
