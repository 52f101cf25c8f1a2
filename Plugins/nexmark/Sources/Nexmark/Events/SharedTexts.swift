import Glibc

/// Text that all events of a seed are cut from: padding, and the channels that bids come through with their addresses.
///
/// Made once an instance of the source; never changed, so that several threads may read it.
final class SharedTexts: Sendable {
  /// The standard's is 1 MiB, which with the addresses is more than the second cache holds.
  static let paddingCount = 1 << 16
  static let channelCount = 10_000
  static let hotChannels: [StaticString] = ["Google", "Facebook", "Baidu", "Apple"]

  /// The four hot ones first, then `channel-0` and so on.
  let channels: TextTable
  let urls: TextTable
  private let padding: TextTable

  init(seed: UInt64) {
    padding = TextTable(count: 1, byteCount: Self.paddingCount) { table in
      table.append(Self.paddingBytes(seed))
    }
    var random = EventRandom(seed: seed, stream: EventRandom.Stream.channels)
    var names: [String] = Self.hotChannels.map { "\($0)" }
    var urls: [String] = names.map { _ in Self.address(&random) }
    for channel in 0..<Self.channelCount {
      names.append("channel-\(channel)")
      let address = Self.address(&random)
      // Nine in ten say their channel's number: its bits in reverse order, as Java's 32-bit numbers without the sign have it.
      guard random.isHot(10) else {
        urls.append(address)
        continue
      }
      let bits = UInt32(channel)
      let reversed = Int32(bitPattern: (0..<32).reduce(0 as UInt32) { $0 << 1 | bits >> UInt32($1) & 1 })
      urls.append("\(address)&channel_id=\(reversed == .min ? reversed : abs(reversed))")
    }
    channels = TextTable(names)
    self.urls = TextTable(urls)
  }

  /// `count` bytes of padding from a random place.
  func padding(_ count: Int, _ random: inout EventRandom) -> UnsafeRawBufferPointer {
    let all = padding[0]
    let start = Int(random.below(Int64(all.count - count)))
    return UnsafeRawBufferPointer(rebasing: all[start..<start + count])
  }

  /// Six characters of one random number of 32 bits, over and over: as the standard's are, from `a` up for a positive number
  /// and from `a` down for a negative one.
  private static func paddingBytes(_ seed: UInt64) -> [UInt8] {
    var random = EventRandom(seed: seed, stream: EventRandom.Stream.padding)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(paddingCount + 5)
    while bytes.count < paddingCount {
      var number = Int32(truncatingIfNeeded: random.next() >> 32)
      for _ in 0..<6 {
        bytes.append(UInt8(Int32(UInt8(ascii: "a")) + number % 26))
        number /= 26
      }
    }
    return Array(bytes.prefix(paddingCount))
  }

  private static func address(_ random: inout EventRandom) -> String {
    var text = ByteText(capacity: 64)
    defer { text.free() }
    text.append("https://www.nexmark.com/")
    for _ in 0..<3 {
      EventTexts.appendWord(longest: 5, blank: UInt8(ascii: "_"), to: &text, &random)
      text.append(UInt8(ascii: "/"))
    }
    text.append("item.htm?query=1")
    return String(decoding: text.bytes, as: UTF8.self)
  }
}

/// Texts one behind the other.
final class TextTable: @unchecked Sendable {  // Written by `init` only.
  private let bytes: UnsafeMutablePointer<UInt8>
  private let ends: UnsafeMutablePointer<Int>

  convenience init(_ texts: [String]) {
    self.init(count: texts.count, byteCount: texts.reduce(0) { $0 + $1.utf8.count }) { table in
      for text in texts { table.append(Array(text.utf8)) }
    }
  }

  struct Filling {
    fileprivate let bytes: UnsafeMutablePointer<UInt8>
    fileprivate let ends: UnsafeMutablePointer<Int>
    fileprivate var count = 0

    mutating func append(_ text: [UInt8]) {
      text.withUnsafeBufferPointer { (bytes + ends[count]).update(from: $0.baseAddress!, count: $0.count) }
      ends[count + 1] = ends[count] + text.count
      count += 1
    }
  }

  init(count: Int, byteCount: Int, _ fill: (inout Filling) -> Void) {
    bytes = .allocate(capacity: max(1, byteCount))
    ends = .allocate(capacity: count + 1)
    ends.initialize(repeating: 0, count: count + 1)
    var filling = Filling(bytes: bytes, ends: ends)
    fill(&filling)
  }

  deinit {
    bytes.deallocate()
    ends.deallocate()
  }

  subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes + ends[index], count: ends[index + 1] - ends[index])
  }
}
