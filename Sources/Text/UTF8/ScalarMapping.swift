/// A function from scalars to scalars that leaves most as they are, as a table of two stages: one load tells the page, one
/// the distance.
///
/// The tables hold what the standard library's Unicode data say of the scalars below U+20000, above which nothing has case.
final class ScalarMapping: @unchecked Sendable {  // Nobody writes to it after `init`.
  private static let pageBits: UInt32 = 7
  private static let limit: UInt32 = 0x2_0000

  private let pages: UnsafeMutablePointer<UInt16>
  private let distances: UnsafeMutablePointer<Int32>

  /// - Parameter map: the image of a scalar that casing changes; not asked for others.
  private init(_ map: (Unicode.Scalar) -> Unicode.Scalar?) {
    let pageSize = Int(1 << Self.pageBits)
    let pageCount = Int(Self.limit >> Self.pageBits)
    var table = [Int32](repeating: 0, count: pageSize)  // Page 0 changes nothing.
    pages = .allocate(capacity: pageCount)
    for page in 0..<pageCount {
      var entries = [Int32](repeating: 0, count: pageSize)
      for index in 0..<pageSize {
        guard let scalar = Unicode.Scalar(UInt32(page * pageSize + index)) else { continue }
        let properties = scalar.properties
        guard properties.changesWhenCaseMapped || properties.changesWhenCaseFolded, let image = map(scalar) else {
          continue
        }
        entries[index] = Int32(image.value) - Int32(scalar.value)
      }
      let changes = entries.contains { $0 != 0 }
      pages[page] = changes ? UInt16(table.count / pageSize) : 0
      if changes { table += entries }
    }
    distances = .allocate(capacity: table.count)
    distances.initialize(from: table, count: table.count)
  }

  deinit {
    pages.deallocate()
    distances.deallocate()
  }

  @inline(__always)  // Two loads.
  subscript(scalar: UInt32) -> UInt32 {
    guard scalar < Self.limit else { return scalar }
    let page = Int(pages[Int(scalar &>> Self.pageBits)])
    let distance = distances[page &<< Int(Self.pageBits) | Int(scalar & (1 &<< Self.pageBits &- 1))]
    return UInt32(bitPattern: Int32(bitPattern: scalar) &+ distance)
  }

  /// Simple uppercase: one scalar for one. Where the full mapping has several (U+1FB3, "ᾳ"), the simple one is that to title
  /// case; "ß" becomes "ẞ", as in utf8proc.
  static let upper = ScalarMapping { scalar in
    scalar == "ß" ? "ẞ" : single(scalar.properties.uppercaseMapping) ?? single(scalar.properties.titlecaseMapping)
  }

  /// Simple lowercase; "İ" becomes "i" without the dot that the full mapping adds.
  static let lower = ScalarMapping { scalar in
    scalar == "İ" ? "i" : single(scalar.properties.lowercaseMapping)
  }

  /// Simple case folding (CaseFolding.txt, status C and S): scalars that differ in case only have one image. "İ" and "ı"
  /// stand for themselves.
  static let folded = ScalarMapping { scalar in
    switch scalar {
    case "İ", "ı": nil
    // Pairs that are the same with their accents written otherwise, without an uppercase of one character.
    case "\u{1FD3}": "\u{0390}"
    case "\u{1FE3}": "\u{03B0}"
    case "\u{FB05}": "\u{FB06}"
    // Through the uppercase, so that forms such as the final sigma and the long s fall together with the others.
    default:
      single(
        (single(scalar.properties.uppercaseMapping) ?? single(scalar.properties.titlecaseMapping) ?? scalar)
          .properties.lowercaseMapping)
    }
  }

  private static func single(_ text: String) -> Unicode.Scalar? {
    let scalars = text.unicodeScalars
    guard let first = scalars.first, scalars.count == 1 else { return nil }
    return first
  }
}
