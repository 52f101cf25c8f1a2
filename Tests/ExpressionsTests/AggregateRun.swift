import Arrow
import Base
import Expressions
import TestSupport
import VolleyPlan

/// Rows of many groups, and one aggregate over them in the ways in which an engine computes it.
struct AggregateRun {
  var signature: AggregateSignature
  /// The group of each row.
  var slots: [UInt32]
  var argument: Column?
  var by: Column?
  var condition: Column?
  var groups: Int

  /// An accumulator of `function` over values of that type.
  static func accumulator(
    _ function: String, _ argument: DataType?, by: DataType? = nil, fraction: Double? = nil
  ) throws -> any Accumulator {
    try AggregateSignature(
      function, argument: argument, by: by, fraction: fraction ?? (function == "approx_quantile" ? 0.5 : nil)
    ).makeAccumulator()
  }

  private func update(_ accumulator: any Accumulator, _ slots: [UInt32], _ rows: Range<Int>) throws {
    let input = AggregateInput(
      argument: argument?.slice(rows), by: by?.slice(rows), condition: condition?.slice(rows), count: rows.count)
    try slots.withUnsafeBufferPointer { slots in
      guard let start = slots.baseAddress else { return }
      try accumulator.update(start, count: slots.count, input)
    }
  }

  static func results(_ accumulator: any Accumulator, _ slots: [UInt32]) throws -> Column {
    try slots.withUnsafeBufferPointer { slots in
      guard let start = slots.baseAddress else { return .nulls(accumulator.resultType, count: 0) }
      return try accumulator.results(start, count: slots.count)
    }
  }

  private var all: [UInt32] { (0..<UInt32(groups)).map { $0 } }

  /// The rows cut into batches of random lengths.
  private func batches(_ generator: inout SeededGenerator) -> [Range<Int>] {
    var batches: [Range<Int>] = []
    var start = 0
    while start < slots.count {
      let end = min(slots.count, start + Int.random(in: 1...max(1, slots.count / 3), using: &generator))
      batches.append(start..<end)
      start = end
    }
    return batches
  }

  /// One accumulator takes all rows.
  func direct(_ generator: inout SeededGenerator) throws -> Column {
    let accumulator = signature.makeAccumulator()
    try accumulator.grow(to: groups)
    for rows in batches(&generator) { try update(accumulator, Array(slots[rows]), rows) }
    return try Self.results(accumulator, all)
  }

  /// Each batch is a partial aggregate under slots of its own, whose states are columns that one accumulator merges.
  func merged(_ generator: inout SeededGenerator) throws -> Column {
    let merged = signature.makeAccumulator()
    let partial = signature.makeAccumulator()
    try merged.grow(to: groups)
    for rows in batches(&generator) {
      var order: [UInt32] = []
      var known: [UInt32: UInt32] = [:]
      let own = slots[rows].map { slot -> UInt32 in
        if let slot = known[slot] { return slot }
        known[slot] = UInt32(order.count)
        order.append(slot)
        return UInt32(order.count - 1)
      }
      partial.removeAll()
      try partial.grow(to: order.count)
      try update(partial, own, rows)
      let states = try (0..<UInt32(order.count)).map { $0 }.withUnsafeBufferPointer {
        try partial.states($0.baseAddress!, count: order.count)
      }
      precondition(states.map(\.type) == partial.stateTypes, "states are of the types that they are announced with")
      // As they come from a channel or a file: in memory of another, behind other rows.
      let moved = states.map { state in
        let builder = ColumnBuilder(state.type)
        builder.append(state, 0..<min(1, state.length))
        builder.append(state, 0..<state.length)
        return builder.finish().slice(min(1, state.length)..<state.length + min(1, state.length))
      }
      try order.withUnsafeBufferPointer { try merged.merge($0.baseAddress!, count: order.count, states: moved) }
    }
    return try Self.results(merged, all)
  }

  /// The result after each row.
  func running(_ generator: inout SeededGenerator) throws -> [Column] {
    let accumulator = signature.makeAccumulator()
    try accumulator.grow(to: groups)
    var results: [Column] = []
    for rows in batches(&generator) {
      let input = AggregateInput(
        argument: argument?.slice(rows), by: by?.slice(rows), condition: condition?.slice(rows), count: rows.count)
      results.append(
        try slots[rows].withUnsafeBufferPointer {
          try accumulator.updateRunning($0.baseAddress!, count: rows.count, input)
        })
    }
    return results
  }

  /// The last running result of each group; the group has a row.
  func lastRunning(_ generator: inout SeededGenerator) throws -> [Literal?] {
    let rows = try running(&generator).flatMap(\.rows)
    precondition(rows.count == slots.count, "there is a result for each row")
    var last = [Literal?](repeating: nil, count: groups)
    for (slot, row) in zip(slots, rows) { last[Int(slot)] = row }
    return last
  }
}

/// Whether two results are the same but for the last bits of sums that were added in another order.
func close(_ left: Literal?, _ right: Literal?) -> Bool {
  switch (left, right) {
  case (.float64(let a), .float64(let b)):
    return a == b || a.isNaN && b.isNaN || abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-3)
  case (.float(let a, let type), .float(let b, let other)): return type == other && (a == b || a.isNaN && b.isNaN)
  case (.nested(let a, let type), .nested(let b, let other)):
    return type == other && a.count == b.count && zip(a, b).allSatisfy { close($0, $1) }
  case (.null?, nil), (nil, .null?): return true
  default: return left == right
  }
}
