import Glibc

/// The loader's cache of libraries, /etc/ld.so.cache: written by ldconfig(8), format "glibc-ld.so.cache1.1" of glibc's
/// sysdeps/generic/dl-cache.h, also where it stands behind the older format.
struct LibraryCache {
  /// The cache of this machine, empty when there is none.
  static let shared = LibraryCache(path: "/etc/ld.so.cache")

  private var pathsByName: [String: [String]] = [:]

  init(path: String) {
    guard let file = try? MappedFile(path) else { return }
    try? read(ByteView(bytes: file.bytes))
  }

  init(_ bytes: ByteView) { try? read(bytes) }

  /// Where libraries of that name are.
  func paths(of library: String) -> [String] { pathsByName[library] ?? [] }

  private mutating func read(_ file: ByteView) throws(ByteView.Damage) {
    var start: UInt64 = 0
    let older = Array("ld.so-1.7.0".utf8)
    if file.bytes.prefix(older.count).elementsEqual(older) {
      let count = UInt64(try file.integer(12, "cache", as: UInt32.self))
      start = (16 + count * 12 + 7) & ~7
    }
    let cache = try file.part(start, file.count - min(start, file.count), "cache")
    let magic = Array("glibc-ld.so.cache1.1".utf8)
    guard cache.bytes.prefix(magic.count).elementsEqual(magic) else { return }
    let count = UInt64(try cache.integer(20, "cache", as: UInt32.self))
    for index in 0..<min(count, 1 << 20) {
      let entry = 48 + index * 24
      let name = try cache.string(UInt64(try cache.integer(entry + 4, "cache", as: UInt32.self)), "cache")
      let path = try cache.string(UInt64(try cache.integer(entry + 8, "cache", as: UInt32.self)), "cache")
      pathsByName[name, default: []].append(path)
    }
  }
}
