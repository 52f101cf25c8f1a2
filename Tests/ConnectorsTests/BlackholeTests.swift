import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Blackhole sink") struct BlackholeTests {
  /// The definition, value by value.
  private func checksum(_ batch: RecordBatch) -> UInt64 {
    var sum: UInt64 = 0
    for row in 0..<batch.length {
      for column in batch.columns where column.isValid(row) {
        switch column.literal(at: row) {
        case .bool(let value): sum &+= value ? 1 : 0
        case .int32(let value): sum &+= UInt64(bitPattern: Int64(value))
        case .int64(let value): sum &+= UInt64(bitPattern: value)
        case .timestamp(let value, _, _): sum &+= UInt64(bitPattern: value)
        case .float64(let value): sum &+= value.bitPattern
        case .utf8(let value): for byte in value.utf8 { sum &+= UInt64(byte) }
        case .null: break
        default: preconditionFailure("no wide value is made here")
        }
      }
    }
    return sum
  }

  @Test("the checksum is the sum of all values, over slices, nulls and instances")
  func checksums() throws {
    var generator = SeededGenerator()
    let factory = try makeSink("blackhole", [], everyType)
    let sinks = try (0..<3).map { try factory.make(subtask($0, of: 3)) }
    var expected = BlackholeChecksum()
    for round in 0..<12 {
      let all = randomBatch(&generator, rows: 200)
      let part = all.slice((round * 3)..<(round * 3 + Int.random(in: 0..<150, using: &generator)))
      expected = expected + BlackholeChecksum(rows: part.length, bits: checksum(part))
      #expect(!sinks[round % 3].blocks)
      try sinks[round % 3].write(part)
    }
    let totals = try #require(factory.blackhole)
    #expect(totals.checksum == expected, "\(generator)")
  }

  @Test("without nulls the fast sums are the same")
  func withoutNulls() throws {
    let fields = [Field("b", .bool), Field("i", .int32), Field("l", .int64), Field("d", .float64), Field("s", .utf8)]
    var rows: [[Literal?]] = []
    for row in 0..<300 {
      let double = Double(row) / 7
      rows.append([
        .bool(row % 3 == 0), .int32(Int32(-row)), .int64(Int64.max - Int64(row)), .float64(double), .utf8("r\(row)ä"),
      ])
    }
    let all = batch(fields, rows)
    for slice in [0..<300, 7..<7, 5..<6, 13..<250] {
      var sum = BlackholeChecksum()
      sum.add(all.slice(slice))
      #expect(sum == BlackholeChecksum(rows: slice.count, bits: checksum(all.slice(slice))))
    }
  }
}
