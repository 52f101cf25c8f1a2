import Arrow
import Keys
import TestSupport
import Testing
import VolleyPlan

@Suite("Key hashes")
struct KeyHasherTests {
  @Test("are the committed ones, one key a batch")
  func vectors() {
    for key in Vectors.keys() {
      #expect(hashes(key.cells.map { Vectors.column([$0]) }, 1) == [key.hash], "\(key.cells)")
    }
  }

  @Test("depend on nothing else in the batch: the committed ones again, all keys of the same types in one batch")
  func vectorsTogether() {
    let groups = Dictionary(grouping: Vectors.keys()) { $0.cells.map(\.type) }
    for (types, keys) in groups {
      for offset in [0, 1, 63] {
        let columns = types.indices.map { column in
          let cells = keys.map { $0.cells[column] }
          let padding = (0..<offset).map { $0 % 2 == 0 ? cells[0] : .null(types[column]) }
          return Vectors.column(padding + cells).slice(offset..<offset + keys.count)
        }
        #expect(hashes(columns, keys.count) == keys.map(\.hash), "\(types) at \(offset)")
      }
    }
  }

  @Test("are equal for both zeros and for all NaNs, alone and among other columns")
  func floats() {
    let zeros = Vectors.column([.float64(0), .float64(-0.0)])
    let nans = Vectors.column([
      .float64(.nan), .float64(-.nan), .float64(.signalingNaN), .float64(Double(nan: 77, signaling: false)),
    ])
    let other = Vectors.column([Literal](repeating: .int64(5), count: 4))
    #expect(Set(hashes([zeros], 2)).count == 1)
    #expect(Set(hashes([zeros, other], 2)).count == 1)
    #expect(Set(hashes([nans], 4)).count == 1)
    #expect(Set(hashes([other, nans], 4)).count == 1)
  }

  @Test("of many keys hardly collide and fill all key groups evenly")
  func spread() {
    for types in [[DataType.int64], [.int64, .utf8]] {
      let count = 100_000
      let columns = types.map { type in
        Vectors.column((0..<count).map { type == .utf8 ? .utf8("user \($0)") : .int64(Int64($0)) })
      }
      let hashes = hashes(columns, count)
      #expect(Set(hashes).count == count)
      var rows = [Int](repeating: 0, count: 256)
      for hash in hashes { rows[KeyGroup.of(hash, maxKeyGroups: 256).index] += 1 }
      // 390 expected, standard deviation below 20.
      #expect(rows.min()! > 280 && rows.max()! < 500, "\(rows.min()!) to \(rows.max()!) rows a group")
    }
  }

  private func hashes(_ columns: [Column], _ rows: Int) -> [UInt64] {
    [UInt64](unsafeUninitializedCapacity: rows) { buffer, count in
      KeyHasher.hash(columns: columns, rows: rows, into: buffer.baseAddress!)
      count = rows
    }
  }
}
