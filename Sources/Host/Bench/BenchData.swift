import Arrow
import VolleyPlan

/// The benchmarks' input: at least 64 distinct batches and 256 MB in all, so that it comes from memory and not from a
/// cache.
struct BenchData {
  static let batchRows = 65_536
  static let leastBatches = 64
  static let leastBytes = 256 << 20

  let schema: Schema
  /// By source subtask.
  let batches: [[RecordBatch]]

  /// Three columns: `a` and `c` small random Int64, `b` uniform in 0 ..< 1, so that half of the rows have `b < 0.5`.
  static func filterProject(subtasks: Int, seed: UInt64) -> BenchData {
    let schema = Schema([
      Field("a", .int64, nullable: false), Field("b", .float64, nullable: false), Field("c", .int64, nullable: false),
    ])
    return BenchData(schema: schema, subtasks: subtasks, seed: seed) { random, _ in
      [
        words(.int64, &random) { $0 >> 20 },
        words(.float64, &random) { (Double($0 >> 11) * 0x1p-53).bitPattern },
        words(.int64, &random) { $0 >> 20 },
      ]
    }
  }

  /// Keys, `keyCount` random 64-bit values drawn uniformly, and small random values to sum. Each source subtask draws
  /// from keys of its own, so that a key's rows have one order and the results do not depend on how subtasks
  /// interleave.
  static func keyed(keyCount: Int, subtasks: Int, seed: UInt64) -> BenchData {
    var keyRandom = SplitMix64(state: seed ^ 0x6b65_7973)
    let keys = (0..<keyCount).map { _ in keyRandom.next() }
    let schema = Schema([Field("key", .int64, nullable: false), Field("value", .int64, nullable: false)])
    return BenchData(schema: schema, subtasks: subtasks, seed: seed) { random, subtask in
      let own = keyCount * subtask / subtasks..<keyCount * (subtask + 1) / subtasks
      return keys.withUnsafeBufferPointer { keys in
        [
          words(.int64, &random) { keys[own.lowerBound + Int($0.multipliedFullWidth(by: UInt64(own.count)).high)] },
          words(.int64, &random) { $0 >> 44 },
        ]
      }
    }
  }

  /// Two Float64 columns, uniform in 0 ..< 1.
  static func twoDoubles(subtasks: Int, seed: UInt64) -> BenchData {
    let schema = Schema([Field("a", .float64, nullable: false), Field("b", .float64, nullable: false)])
    return BenchData(schema: schema, subtasks: subtasks, seed: seed) { random, _ in
      (0..<2).map { _ in words(.float64, &random) { (Double($0 >> 11) * 0x1p-53).bitPattern } }
    }
  }

  private init(
    schema: Schema, subtasks: Int, seed: UInt64, columns: (inout SplitMix64, _ subtask: Int) -> [Column]
  ) {
    self.schema = schema
    let batchBytes = Self.batchRows * schema.fields.count * 8
    let count = max(Self.leastBatches, (Self.leastBytes + batchBytes - 1) / batchBytes)
    let perSubtask = (count + subtasks - 1) / subtasks
    batches = (0..<subtasks).map { subtask in
      var random = SplitMix64(state: seed &+ UInt64(subtask) &* 0x1000_0000_01b3)
      return (0..<perSubtask).map { _ in
        RecordBatch(schema: schema, columns: columns(&random, subtask), length: Self.batchRows)
      }
    }
  }

  private static func words(_ type: DataType, _ random: inout SplitMix64, _ map: (UInt64) -> UInt64) -> Column {
    benchColumn(type, rows: batchRows) { _ in map(random.next()) }
  }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
