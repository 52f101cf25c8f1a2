import Arrow
import Base
import TestSupport
import Testing

@testable import Operators

@Suite("Keys that have left memory")
struct DepartedKeysTests {
  private func column(_ keys: [Int64]) -> Column {
    let builder = ColumnBuilder(.int64)
    for key in keys { builder.append(.int64(key)) }
    return builder.finish()
  }

  private func places(_ departed: DepartedKeys, _ keys: [Int64]) throws -> [Int] {
    guard let known = try departed.known([column(keys)], count: keys.count) else { return Array(keys.indices) }
    return (0..<known.count).map { Int(known.rows[$0]) }
  }

  @Test("are known, and hardly any other ones, in a part of the memory")
  func known() throws {
    var random = SeededGenerator()
    let departed = DepartedKeys(memoryLimit: 1 << 20, parallelism: 2, isComplete: true)
    #expect(try places(departed, [1, 2, 3]).isEmpty)
    #expect(departed.byteCount == 0 && departed.growth == 1 << 14)
    let keys = (0..<2_000).map { _ in Int64.random(in: 0..<1_000_000, using: &random) }
    try departed.insert([column(keys)], count: keys.count)
    #expect(departed.byteCount == 1 << 14 && departed.growth == 0)
    let others = (0..<2_000).map { _ in Int64.random(in: 1_000_000..<2_000_000, using: &random) }
    let found = try places(departed, keys + others)
    #expect(Array(found.prefix(2_000)) == Array(0..<2_000), "\(random)")
    #expect(found.count < 2_010, "\(random)")
  }

  @Test("are all looked for when some are not known, until all are in memory")
  func incomplete() throws {
    let departed = DepartedKeys(memoryLimit: 1 << 20, parallelism: 1, isComplete: false)
    try departed.insert([column([1])], count: 1)
    #expect(departed.byteCount == 0 && departed.growth == 0)
    #expect(try places(departed, [1, 2]) == [0, 1])
    departed.noteWhole()
    #expect(try places(departed, [1, 2]).isEmpty)
  }

  @Test("are all looked for when there are so many that the filter says little, which gives its memory back")
  func tooMany() throws {
    let departed = DepartedKeys(memoryLimit: 1 << 16, parallelism: 1, isComplete: true)
    for first in stride(from: Int64(0), to: 20_000, by: 1_000) {
      try departed.insert([column(Array(first..<first + 1_000))], count: 1_000)
      #expect(try places(departed, Array(0..<first)).count == Int(first))
    }
    #expect(!departed.isComplete && departed.byteCount == 0 && departed.growth == 0)
  }
}
