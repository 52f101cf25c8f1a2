import Glibc
import VolleyPlan

/// The schema's names as they stand in a line, and which one is likely to come next: the one that followed last time.
///
/// One instance a decoder.
final class JSONNames {
  private let names: [[UInt8]]
  /// All names as a line most likely spells them, each with the closing quote behind it.
  private let bytes: UnsafeMutablePointer<UInt8>
  private let starts: UnsafeMutablePointer<Int>
  /// By column: the column that followed it last time; the last entry is for the first member of an object.
  private let successors: UnsafeMutablePointer<Int>
  let count: Int
  /// Members that no column takes, so far, and the name of the first.
  private(set) var skipped = 0
  private(set) var firstSkipped: [UInt8] = []

  init(_ fields: [Field]) {
    count = fields.count
    names = fields.map { Array($0.name.utf8) }
    // A name that must be escaped is only found by `lookUp`: two line feeds are in no record.
    let spellings = names.map { name in name.contains { $0 == 34 || $0 == 92 || $0 < 0x20 } ? [10, 10] : name + [34] }
    let text = spellings.flatMap { $0 }
    bytes = .allocate(capacity: text.count + 8)
    bytes.initialize(repeating: 0, count: text.count + 8)
    bytes.update(from: text, count: text.count)
    starts = .allocate(capacity: count + 1)
    successors = .allocate(capacity: count + 1)
    var start = 0
    for (index, spelling) in spellings.enumerated() {
      starts[index] = start
      successors[index] = (index + 1) % count
      start += spelling.count
    }
    starts[count] = start
    successors[count] = 0
  }

  deinit {
    bytes.deallocate()
    starts.deallocate()
    successors.deallocate()
  }

  /// The column that is likely to follow `former`; `count` stands for the beginning of an object.
  @inline(__always)
  func successor(of former: Int) -> Int { successors[former] }

  /// Behind the name and its closing quote, if `at` begins with that of `column`.
  @inline(__always)
  func match(_ at: UnsafePointer<UInt8>, column: Int) -> UnsafePointer<UInt8>? {
    let start = starts[column]
    let count = starts[column &+ 1] &- start
    // Of at most 8 bytes in one comparison: there are 8 bytes behind the last name, and behind the window.
    if count <= 8 {
      let difference = WordScanning.load(at) ^ WordScanning.load(UnsafePointer(bytes + start))
      return difference << UInt64(64 &- 8 &* count) == 0 ? at + count : nil
    }
    var index = 0
    while index < count {
      if at[index] != bytes[start &+ index] { return nil }
      index &+= 1
    }
    return at + count
  }

  /// The column of the name in `start`..<`end` (without quotes), which followed `former`; nil for a name that the schema
  /// does not have.
  func lookUp(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, after former: Int) -> Int? {
    let length = end - start
    for column in 0..<count where names[column].count == length {
      if memcmp(names[column], start, length) == 0 {
        successors[former] = column
        return column
      }
    }
    if skipped == 0 { firstSkipped = Array(UnsafeBufferPointer(start: start, count: length)) }
    skipped &+= 1
    return nil
  }
}
