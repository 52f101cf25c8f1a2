import Base
import Dataflow

extension WatchedFiles {
  /// The files that are there, by their numbers in the file system.
  var inodes: [Int64: FoundFile] {
    Dictionary(Self.files(of: patterns).map { ($0.identity.numbers[1], $0) }, uniquingKeysWith: { _, last in last })
  }

  /// The job goes on from an epoch: the files that were taken are not taken again, and splits of them that nobody had begun are handed
  /// out. Of the source's instances the first one's call does it.
  ///
  /// - Parameter positions: of all instances then.
  /// - Returns: the same with the names and identities that the files have now.
  func resume(_ positions: [FilePosition]) throws(Failure) -> [FilePosition] {
    try state.withLock { state throws(Failure) in
      if let resumed = state.resumed { return resumed }
      var resumed: [FilePosition] = []
      let found = Self.files(of: patterns)
      var byInode: [Int64: FoundFile] = [:]
      var byPath: [String: FoundFile] = [:]
      for file in found {
        byInode[file.identity.numbers[1]] = file
        byPath[file.path] = file
      }
      for (record, parts) in Dictionary(grouping: positions, by: \.file).sorted(by: { first($0) < first($1) }) {
        let candidates = [record.flatMap { byInode[$0.identity.numbers[1]] }, byPath[parts[0].path]]
        let file = candidates.compactMap(\.self).first { record?.isSame($0, path: parts[0].path) == true }
        resumed += try resume(parts, record, as: file, &state)
      }
      state.resumed = resumed
      return resumed
    }
  }

  /// Files are handed out in the order of their names.
  private func first(_ group: (key: FileRecord?, value: [FilePosition])) -> String { group.value[0].path }

  /// - Parameters:
  ///   - parts: the positions of one file.
  ///   - file: the same file now; nil: it is gone.
  private func resume(
    _ parts: [FilePosition], _ record: FileRecord?, as file: FoundFile?, _ state: inout State
  ) throws(Failure) -> [FilePosition] {
    var parts = parts
    let splits = FileInputs.splits(parts)
    guard let file else {
      // All of it was read, or it cannot be gone.
      if !FileInputs.areOver(parts) {
        for part in parts where !part.isDone { _ = try part.check(nil, place: place) }
        throw Failure(
          .noInput,
          "\(place): \(parts[0].path): is not there, and the checkpoint has read a part of it; bring it back, or begin the source "
            + "anew (--reset-source)")
      }
      if let record { state.rememberGone(record.identity) }
      return parts
    }
    for index in parts.indices {
      parts[index].path = file.path
      if !parts[index].isDone { _ = try parts[index].check(file, place: place) }
      parts[index].file?.identity = file.identity
    }
    state.taken[file.identity] = file
    let begun = Set(parts.map(\.start))
    state.pending += splits.filter { !begun.contains($0.start) }.map { split in
      FileSplit(path: file.path, start: split.start, end: split.end, fileBytes: split.fileBytes)
    }
    return parts
  }

  /// Of the splits that are done those whose file could still be taken for a new one.
  func remembered(_ done: [FilePosition]) -> [FilePosition] {
    state.withLock { state in
      done.filter { position in
        guard let identity = position.file?.identity else { return true }
        return state.taken[identity] != nil || state.goneSet.contains(identity)
      }
    }
  }
}
