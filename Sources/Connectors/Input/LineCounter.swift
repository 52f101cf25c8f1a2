import Glibc

/// Counts the line feeds before a place of a file: how the line number of a record is found in a split that began somewhere
/// in the file. Only bad records need it.
///
/// - Returns: nil when the file cannot be read any more.
func countLineFeeds(in path: String, before offset: Int64) -> Int? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var chunk = [UInt8](repeating: 0, count: 1 << 20)
  var left = offset
  var feeds = 0
  while left > 0 {
    let count = read(descriptor, &chunk, min(chunk.count, Int(left)))
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return nil }
    for index in 0..<count where chunk[index] == 10 { feeds += 1 }
    left -= Int64(count)
  }
  return feeds
}
