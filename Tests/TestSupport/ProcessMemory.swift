import Glibc

/// Memory of this process, as the kernel counts it.
public enum ProcessMemory {
  public static var residentBytes: Int { bytes(1) }

  /// Bytes of addresses, whether there is memory behind them or not.
  public static var mappedBytes: Int { bytes(0) }

  /// What may take so many bytes may take so many here: the address sanitizer puts walls around each block, and the thread sanitizer
  /// keeps who touched it last.
  public static func bound(_ bytes: Int) -> Int {
    bytes * (dlsym(nil, "__asan_init") != nil ? 4 : dlsym(nil, "__tsan_init") != nil ? 12 : 1)
  }

  private static func bytes(_ field: Int) -> Int {
    let text = String(decoding: TestProcess.contents(of: "/proc/self/statm") ?? [], as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > field, let pages = Int(fields[field]) else { fatalError("there is no /proc/self/statm") }
    return pages * Int(getpagesize())
  }
}
