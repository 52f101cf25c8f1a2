import Glibc

/// Memory of this process, as the kernel counts it.
public enum ProcessMemory {
  public static var residentBytes: Int { bytes(1) }

  /// Bytes of addresses, whether there is memory behind them or not.
  public static var mappedBytes: Int { bytes(0) }

  private static func bytes(_ field: Int) -> Int {
    let text = String(decoding: TestProcess.contents(of: "/proc/self/statm") ?? [], as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > field, let pages = Int(fields[field]) else { fatalError("there is no /proc/self/statm") }
    return pages * Int(getpagesize())
  }
}
