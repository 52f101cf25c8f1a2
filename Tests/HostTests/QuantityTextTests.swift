import Testing

@testable import Host

@Suite struct QuantityTextTests {
  @Test(
    "a duration is a number with a unit",
    arguments: [
      ("0s", Duration.zero), ("10ms", .milliseconds(10)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
      ("1h", .seconds(3600)), ("7us", .microseconds(7)), ("3ns", .nanoseconds(3)), ("0.000000001s", .nanoseconds(1)),
      ("0.5ns", .zero), ("876000h", .seconds(876_000 * 3600)),
    ])
  func durations(text: String, expected: Duration) { #expect(duration(from: text) == expected) }

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "10", "ms", "10 ms", " 10ms", "10ms ", "-1s", "+1s", "1e3s", ".5s", "5.s", "1.2.3s", "10MS", "10m s", "1d",
      "٣s",
      "0.0000000001s", "876001h", "99999999999999999999s", "1,5s",
    ])
  func noDurations(text: String) { #expect(duration(from: text) == nil) }

  @Test(
    "a size is a number with a unit",
    arguments: [
      ("0B", 0), ("1B", 1), ("1KiB", 1024), ("1.5KiB", 1536), ("512MiB", 512 << 20), ("2GiB", 2 << 30),
      ("1TiB", 1 << 40),
      ("1kB", 1000), ("2.25MB", 2_250_000), ("1GB", 1_000_000_000), ("8388607TiB", 8_388_607 << 40),
    ])
  func sizes(text: String, expected: Int) { #expect(byteSize(from: text) == expected) }

  @Test(
    "what is no size is refused",
    arguments: ["", "1", "GiB", "1Gi", "1gib", "-1B", "1 GiB", "1.GiB", "8388608TiB", "99999999999999999999B", "1e3B"])
  func noSizes(text: String) { #expect(byteSize(from: text) == nil) }

  @Test(
    "a memory limit is a size or a share",
    arguments: [
      ("2GiB", MemoryLimit.bytes(2 << 30)), ("80%", .percent(80)), ("1%", .percent(1)), ("100%", .percent(100)),
      ("64MiB", .bytes(64 << 20)),
    ])
  func memoryLimits(text: String, expected: MemoryLimit) { #expect(MemoryLimit(text) == expected) }

  @Test(
    "what is no memory limit is refused",
    arguments: ["0%", "101%", "%", "-5%", "1.5%", "63MiB", "0B", "80", "80 %", "+8%"])
  func noMemoryLimits(text: String) { #expect(MemoryLimit(text) == nil) }

  @Test("numbers for people are rounded, not cut")
  func texts() {
    #expect(fixed(1.25, digits: 1) == "1.3")
    #expect(fixed(0.996, digits: 2) == "1.00")
    #expect(fixed(-0.04, digits: 1) == "0.0")
    #expect(fixed(-1.06, digits: 1) == "-1.1")
    #expect(fixed(12, digits: 0) == "12")
    #expect(byteSizeText(1023) == "1023 B")
    #expect(byteSizeText(1536) == "1.5 KiB")
    #expect(byteSizeText(3 << 40) == "3.0 TiB")
    #expect(countText(0) == "0")
    #expect(countText(999) == "999")
    #expect(countText(999.6) == "1.00 k")
    #expect(countText(12_345) == "12.3 k")
    #expect(countText(1_234_567) == "1.23 M")
    #expect(timeText(0.00085) == "850 µs")
    #expect(timeText(0.012) == "12 ms")
    #expect(timeText(3.44) == "3.4 s")
    #expect(grouped(0) == "0")
    #expect(grouped(999) == "999")
    #expect(grouped(1000) == "1,000")
    #expect(grouped(-1_234_567) == "-1,234,567")
  }
}
