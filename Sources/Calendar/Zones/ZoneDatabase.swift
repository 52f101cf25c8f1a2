import Base
import Glibc
import Synchronization
import VolleyPlan

/// Time zones by name: the IANA database as the machine has it (`TZDIR`, else /usr/share/zoneinfo), and fixed offsets.
///
/// A zone is read once and kept; at most `maximumZones` are. Zones are looked up when an expression is bound, not per row.
public final class ZoneDatabase: Sendable {
  /// Of this process's `TZDIR`.
  public static let shared = ZoneDatabase(
    folder: getenv("TZDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/usr/share/zoneinfo")

  private let folder: String
  private let known = Mutex<[String: TimeZone]>([:])

  static let maximumZones = 1024

  /// - Parameter folder: holds files of the format TZif under their zones' names.
  public init(folder: String) { self.folder = folder }

  /// "Europe/Berlin"; "UTC", "Z" and the like; "+02:00", "+0200" or "+02".
  public func zone(_ name: String) throws(Failure) -> TimeZone {
    if let zone = known.withLock({ $0[name] }) { return zone }
    let zone: TimeZone
    if let fixed = FixedOffset.zone(name) {
      zone = fixed
    } else {
      zone = try TimeZone(name: name, TZifFile(read(name), name: name))
    }
    known.withLock { zones in
      if zones.count >= Self.maximumZones { zones.removeAll() }
      zones[name] = zone
    }
    return zone
  }

  private func read(_ name: String) throws(Failure) -> [UInt8] {
    guard Self.isName(name) else { throw unknown(name) }
    let path = "\(folder)/\(name)"
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw unknown(name) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw unknown(name) }
    guard status.st_size <= TZifFile.maximumSize else {
      throw Failure(
        .io, "time zone '\(name)': \(path) has \(status.st_size) bytes, expected at most \(TZifFile.maximumSize)")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    bytes.removeLast(bytes.count - done)
    guard bytes.starts(with: "TZif".utf8) else { throw unknown(name) }
    return bytes
  }

  /// Letters, digits, `_ + -` in parts between slashes: nothing that leads out of the folder.
  private static func isName(_ name: String) -> Bool {
    guard !name.isEmpty, name.utf8.count <= 255 else { return false }
    return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty
        && part.utf8.allSatisfy { byte in
          byte &- 48 < 10 || (byte | 0x20) &- 97 < 26
            || [UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
        }
    }
  }

  private func unknown(_ name: String) -> Failure {
    let names = names()
    guard !names.isEmpty else {
      return Failure(
        .usage,
        "time zone '\(name)' is not known: there are no zones in \(folder); install the package tzdata, or set TZDIR to their folder"
      )
    }
    return Failure(
      .usage,
      "time zone '\(name)' is not known; expected UTC, an offset such as +02:00, or a name of the IANA database, such as \(namesNearestFirst(to: name, among: names, limit: 3))"
    )
  }

  /// The zones' names, sorted, as zone.tab and tzdata.zi list them.
  private func names() -> [String] {
    var names: Set<String> = []
    for (file, separator, column) in [("zone1970.tab", "\t", 2), ("zone.tab", "\t", 2)] {
      for line in lines(file) where !line.hasPrefix("#") {
        let parts = line.split(separator: Character(separator), omittingEmptySubsequences: false)
        if parts.count > column { names.insert(String(parts[column])) }
      }
    }
    // "Z NAME …" begins a zone, "L TARGET NAME" is a link.
    for line in lines("tzdata.zi") {
      let parts = line.split(separator: " ")
      if line.hasPrefix("Z "), parts.count > 1 { names.insert(String(parts[1])) }
      if line.hasPrefix("L "), parts.count > 2 { names.insert(String(parts[2])) }
    }
    return names.sorted()
  }

  private func lines(_ name: String) -> [Substring] {
    guard let file = fopen("\(folder)/\(name)", "re") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: TZifFile.maximumSize)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
  }
}
