import Base
import Glibc
import VolleyPlan

/// The bad records that a job had set aside behind the epoch that it goes on from: they come again and are in the file already.
///
/// They are known by their whole lines, which name file and offset, so that several sources and jobs may share one file, of which
/// nothing is taken back.
struct DeadLetterReplay {
  private var lines: Set<[UInt8]> = []

  /// Reads the file from byte `start` on, with the file locked; what a crash left of a line at its end is removed.
  ///
  /// - Parameter positions: what the epoch counts; bad records in front of them do not come again.
  init(_ path: String, from start: Int64, _ positions: [FilePosition], place: String) throws(Failure) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      // It is made with the first bad record.
      if errno == ENOENT { return }
      throw Failure(
        .io, "\(place): the dead-letter file \(path) cannot be read: \(pathProblem(path, isWritten: false))")
    }
    defer { close(descriptor) }
    flock(descriptor, LOCK_EX)
    let byPath = Dictionary(grouping: positions, by: \.path)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var rest: [UInt8] = []
    var offset = start
    while true {
      let count = pread(descriptor, &chunk, chunk.count, Int(offset))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        guard count == 0 else {
          throw Failure(.io, "\(place): the dead-letter file \(path) cannot be read: \(systemError())")
        }
        break
      }
      offset += Int64(count)
      rest += chunk[..<count]
      while let end = rest.firstIndex(of: 10) {
        note(Array(rest[...end]), byPath)
        rest.removeSubrange(...end)
      }
    }
    if !rest.isEmpty { ftruncate(descriptor, Int(offset) - rest.count) }
  }

  private mutating func note(_ line: [UInt8], _ positions: [String: [FilePosition]]) {
    guard let json = try? JSONValue.parse(Array(line.dropLast())), let path = json["file"]?.text(),
      let offset = json["offset"]?.integer
    else { return }
    if positions[path]?.contains(where: { $0.covers(offset, of: path) }) == true { return }
    lines.insert(line)
  }

  /// Whether a line is in the file already; asked once of each.
  mutating func isThere(_ line: [UInt8]) -> Bool { lines.remove(line) != nil }
}
