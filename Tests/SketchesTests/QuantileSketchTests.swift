import Base
import Sketches
import TestSupport
import Testing

struct QuantileSketchTests {
  private static let fractions = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

  /// How far the answer's rank is from the one asked for, as a share of the count. Equal values share all their ranks.
  private func rankError(_ answer: Int64, _ fraction: Double, _ sorted: [Int64]) -> Double {
    func below(_ isBelow: (Int64) -> Bool) -> Int {
      var (low, high) = (0, sorted.count)
      while low < high {
        let middle = (low + high) / 2
        if isBelow(sorted[middle]) { low = middle + 1 } else { high = middle }
      }
      return low
    }
    let first = Double(below { $0 < answer } + 1)
    let last = Double(below { $0 <= answer })
    let wanted = max(1, fraction * Double(sorted.count))
    return max(0, first - wanted, wanted - last) / Double(sorted.count)
  }

  private enum Order: CaseIterable { case random, ascending, descending, zigzag, few, skewed }

  private func values(_ order: Order, _ count: Int, _ generator: inout SeededGenerator) -> [Int64] {
    switch order {
    case .random: (0..<count).map { _ in Int64.random(in: .min ... .max, using: &generator) }
    case .ascending: (0..<count).map { Int64($0) }
    case .descending: (0..<count).map { Int64(-$0) }
    case .zigzag: (0..<count).map { $0.isMultiple(of: 2) ? Int64($0) : Int64(-$0) }
    case .few: (0..<count).map { _ in Int64.random(in: 0..<7, using: &generator) }
    case .skewed: (0..<count).map { _ in Int64(bitPattern: generator.next() >> (generator.next() % 60)) }
    }
  }

  @Test("up to 200 values every quantile is exact, and so are always the least and the greatest")
  func small() throws {
    var generator = SeededGenerator()
    for count in 0...260 {
      let arena = BlockArena()
      var sketch = QuantileSketch()
      let values = values(Order.allCases.randomElement(using: &generator)!, count, &generator)
      for value in values { try sketch.insert(value, in: arena) }
      #expect(sketch.count == UInt64(count))
      let sorted = values.sorted()
      for fraction in count <= 200 ? Self.fractions : [0, 1] {
        let answer = sketch.quantile(fraction)
        guard count > 0 else {
          #expect(answer == nil)
          continue
        }
        let index = max(1, count - Int((Double(count) - Double(count) * fraction).rounded(.down))) - 1
        #expect(answer == sorted[index], "\(generator): \(fraction) of \(count)")
      }
    }
  }

  @Test("ranks are within 1.33 % with 99 % confidence, whatever the order, and merged sketches are as good")
  func error() throws {
    var generator = SeededGenerator()
    var (asked, beyond, worst) = (0, 0, 0.0)
    for round in 0..<300 {
      let arena = BlockArena()
      let order = Order.allCases[round % Order.allCases.count]
      let count = [300, 1000, 5000, 20_000].randomElement(using: &generator)!
      let values = values(order, count, &generator)
      let parts = [1, 1, 2, 10, 70].randomElement(using: &generator)!
      var pieces = [QuantileSketch](repeating: QuantileSketch(), count: parts)
      for (index, value) in values.enumerated() {
        // Parts are runs of the stream, as batches are.
        try pieces[index * parts / count].insert(value, in: arena)
      }
      var sketch = pieces[0]
      for piece in pieces.dropFirst() { try sketch.merge(piece, in: arena) }
      #expect(sketch.count == UInt64(count))
      #expect(sketch.byteCount <= 8192)
      let sorted = values.sorted()
      for fraction in Self.fractions {
        let error = rankError(try #require(sketch.quantile(fraction)), fraction, sorted)
        asked += 1
        beyond += error > 0.0133 ? 1 : 0
        worst = max(worst, error)
      }
      #expect(sketch.quantile(0) == sorted.first)
      #expect(sketch.quantile(1) == sorted.last)
    }
    #expect(Double(beyond) / Double(asked) < 0.01, "\(generator): \(beyond) of \(asked) beyond 1.33 %")
    #expect(worst < 0.03, "\(generator): \(worst)")
  }

  @Test("a million values stay within the bound, and answers grow with the fraction")
  func large() throws {
    var generator = SeededGenerator()
    let arena = BlockArena()
    var sketch = QuantileSketch()
    let values = values(.random, 1_000_000, &generator)
    for value in values { try sketch.insert(value, in: arena) }
    let sorted = values.sorted()
    var last = Int64.min
    for step in 0...1000 {
      let fraction = Double(step) / 1000
      let answer = try #require(sketch.quantile(fraction))
      #expect(answer >= last)
      #expect(rankError(answer, fraction, sorted) < 0.03, "\(generator)")
      last = answer
    }
    #expect(arena.usedByteCount == 8192)
  }

  @Test("the same values in the same order make the same sketch")
  func deterministic() throws {
    let arena = BlockArena()
    #expect(try QuantileSketch.of(0..<50_000, arena).encoding == QuantileSketch.of(0..<50_000, arena).encoding)
  }

  @Test("a merge up to 200 values is the whole, bit by bit, and always counts all values")
  func merging() throws {
    for _ in 0..<300 {
      var generator = SeededGenerator()
      let arena = BlockArena()
      let count = Int.random(in: 0...500, using: &generator)
      let values = values(.random, count, &generator)
      var pieces = [QuantileSketch](repeating: QuantileSketch(), count: Int.random(in: 1...5, using: &generator))
      var whole = QuantileSketch()
      for value in values {
        try whole.insert(value, in: arena)
        try pieces[Int.random(in: 0..<pieces.count, using: &generator)].insert(value, in: arena)
      }
      var merged = QuantileSketch()
      for piece in pieces { try merged.merge(piece, in: arena) }
      if count <= 200 { #expect(merged.encoding == whole.encoding, "\(generator)") }
      #expect(merged.count == UInt64(count))
      for var piece in pieces + [merged, whole] { piece.release(to: arena) }
      #expect(arena.usedByteCount == 0, "\(generator)")
    }
  }

  @Test("keys order doubles and unsigned integers as their values do")
  func keys() {
    let doubles = [
      -Double.infinity, -.greatestFiniteMagnitude, -1, -.leastNonzeroMagnitude, 0, .leastNonzeroMagnitude, 1,
      .greatestFiniteMagnitude, .infinity,
    ]
    for (left, right) in zip(doubles, doubles.dropFirst()) {
      #expect(OrderedKey.key(of: left) < OrderedKey.key(of: right))
      #expect(OrderedKey.double(OrderedKey.key(of: left)) == left)
    }
    #expect(OrderedKey.key(of: -0.0) == OrderedKey.key(of: 0.0))
    #expect(OrderedKey.key(of: .infinity) < OrderedKey.key(of: .nan))
    #expect(OrderedKey.key(of: -Double.nan) == OrderedKey.key(of: .nan))
    #expect(OrderedKey.double(OrderedKey.key(of: .nan)).isNaN)
    for (left, right) in zip([0, 1, UInt64(Int64.max), 1 << 63], [1, 2, 1 << 63, UInt64.max]) {
      #expect(OrderedKey.key(of: left) < OrderedKey.key(of: right))
      #expect(OrderedKey.unsigned(OrderedKey.key(of: left)) == left)
    }
  }

  @Test("a hundred thousand groups of one value take 32 bytes each beside their handles")
  func manyGroups() throws {
    #expect(MemoryLayout<QuantileSketch>.size <= 16)
    let arena = BlockArena()
    for value in 0..<100_000 {
      var sketch = QuantileSketch()
      try sketch.add(UInt64(value), arena)
    }
    #expect(arena.usedByteCount == 3_200_000)
  }
}
