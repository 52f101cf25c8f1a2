import Testing
import VolleyPlan

@Suite("Literals")
struct LiteralTests {
  @Test("are equal only where no expression tells them apart")
  func equality() {
    let composed = Literal.utf8("caf\u{E9}")
    let pairs: [(Literal, Literal)] = [
      (composed, .utf8("cafe\u{301}")), (.string("\u{E9}", .largeUtf8), .string("e\u{301}", .largeUtf8)),
      (.float64(0), .float64(-0.0)), (.float(0, .float32), .float(-0.0, .float32)),
      (.float(1, .float32), .float(1, .float16)), (.integer(1, .int8), .integer(1, .uint8)),
      (.nested([.float64(0)], .list(of: .float64)), .nested([.float64(-0.0)], .list(of: .float64))),
      (.int32(1), .int64(1)), (.null(.int32), .null(.int64)), (.timestamp(1, .second, timezone: nil), .int64(1)),
      (.timestamp(1, .second, timezone: nil), .timestamp(1, .second, timezone: "UTC")),
      (.binary([1], .binary), .binary([1], .largeBinary)), (.bool(true), .bool(false)),
      (
        .interval(months: 1, days: 0, nanoseconds: 0, .yearMonth),
        .interval(months: 1, days: 0, nanoseconds: 0, .monthDayNano)
      ),
    ]
    for (left, right) in pairs {
      #expect(left != right)
      #expect(left == left && right == right)
      #expect(Set([left, right, left]).count == 2)
    }
    #expect(Literal.float64(.nan) == .float64(-.nan) && Set([Literal.float64(.nan), .float64(-.nan)]).count == 1)
    #expect(Literal.float(.nan, .float32) == .float(.signalingNaN, .float32))
    #expect(composed == .utf8(String(decoding: [0x63, 0x61, 0x66, 0xC3, 0xA9], as: UTF8.self)))
  }
}
