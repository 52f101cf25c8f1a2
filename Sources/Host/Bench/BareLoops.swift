import Arrow
import CPlatform

/// The benchmarks' work as bare loops over pointers on one thread: the fastest we know without an engine around it, and the
/// limit that the engine is measured against. They share nothing with the engine but the batches and the prefetch instruction.
enum BareLoops {
  /// Keeps the rows with `b < 0.5`, computes `a + c` and `b * 1.5` for them, and reads the results.
  ///
  /// Branch-free: each row is written behind the ones that were kept, and the place moves on only if it is kept too.
  static func filterProject(_ batches: [RecordBatch], rows: Int) -> Checksum {
    var checksum = Checksum()
    let capacity = batches.map(\.length).max() ?? 0
    let sums = UnsafeMutablePointer<Int64>.allocate(capacity: capacity + 1)
    let products = UnsafeMutablePointer<Double>.allocate(capacity: capacity + 1)
    defer {
      sums.deallocate()
      products.deallocate()
    }
    forEachBatch(batches, rows: rows) { batch in
      let a = batch.columns[0].values(Int64.self)
      let b = batch.columns[1].values(Double.self)
      let c = batch.columns[2].values(Int64.self)
      var kept = 0
      var row = 0
      while row < batch.length {
        let value = b[row]
        sums[kept] = a[row] &+ c[row]
        products[kept] = value * 1.5
        // The sign of the difference: a comparison would become a branch, mispredicted on every other row.
        kept &+= Int(truncatingIfNeeded: (value - 0.5).bitPattern &>> 63)
        row &+= 1
      }
      checksum.add(UnsafePointer(sums), count: kept)
      checksum.add(UnsafePointer(products), count: kept)
      checksum.rows += kept
    }
    return checksum
  }

  /// Sum and count by key; after each batch every key that it touched gives its new values, which are read.
  static func keyedSum(_ batches: [RecordBatch], rows: Int, keyCount: Int) -> Checksum {
    // What fits the second cache is fastest in two passes, what does not with one cache miss a row.
    keyCount <= 16_384
      ? keyedSumOfFewKeys(batches, rows: rows, keyCount: keyCount)
      : keyedSumOfManyKeys(batches, rows: rows, keyCount: keyCount)
  }

  /// First the place of each row's key, then the additions: neither pass waits for the other's stores.
  private static func keyedSumOfFewKeys(_ batches: [RecordBatch], rows: Int, keyCount: Int) -> Checksum {
    var checksum = Checksum()
    // A quarter full at most: a probe that goes on is a branch that was mispredicted.
    let logCapacity = max(4, Int.bitWidth - (keyCount * 4 - 1).leadingZeroBitCount)
    let capacity = 1 << logCapacity
    let mask = capacity - 1
    let shift = UInt64(64 - logCapacity)
    // By place: the key, the last batch that touched it (0: none has), its sum and its count.
    let tableKeys = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
    let tableBatches = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)
    let sums = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
    let counts = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
    tableKeys.initialize(repeating: 0, count: capacity)
    tableBatches.initialize(repeating: 0, count: capacity)
    sums.initialize(repeating: 0, count: capacity)
    counts.initialize(repeating: 0, count: capacity)
    let batchCapacity = batches.map(\.length).max() ?? 0
    let places = UnsafeMutablePointer<UInt32>.allocate(capacity: batchCapacity)
    let touched = UnsafeMutablePointer<UInt32>.allocate(capacity: batchCapacity + 1)
    let keysOut = UnsafeMutablePointer<Int64>.allocate(capacity: batchCapacity)
    let sumsOut = UnsafeMutablePointer<Int64>.allocate(capacity: batchCapacity)
    let countsOut = UnsafeMutablePointer<Int64>.allocate(capacity: batchCapacity)
    defer {
      for words in [tableKeys, sums, counts, keysOut, sumsOut, countsOut] { words.deallocate() }
      tableBatches.deallocate()
      places.deallocate()
      touched.deallocate()
    }
    var batchNumber: Int32 = 0
    forEachBatch(batches, rows: rows) { batch in
      batchNumber &+= 1
      let keys = batch.columns[0].values(Int64.self)
      let values = batch.columns[1].values(Int64.self)
      let count = batch.length
      var touchedCount = 0
      var row = 0
      while row < count {
        let key = keys[row]
        var index = place(key, shift)
        while tableBatches[index] != 0 && tableKeys[index] != key { index = (index &+ 1) & mask }
        tableKeys[index] = key
        places[row] = UInt32(truncatingIfNeeded: index)
        touched[touchedCount] = UInt32(truncatingIfNeeded: index)
        touchedCount &+= tableBatches[index] == batchNumber ? 0 : 1
        tableBatches[index] = batchNumber
        row &+= 1
      }
      row = 0
      while row < count {
        let index = Int(places[row])
        sums[index] &+= values[row]
        counts[index] &+= 1
        row &+= 1
      }
      for output in 0..<touchedCount {
        let index = Int(touched[output])
        keysOut[output] = tableKeys[index]
        sumsOut[output] = sums[index]
        countsOut[output] = counts[index]
      }
      checksum.add(UnsafePointer(keysOut), count: touchedCount)
      checksum.add(UnsafePointer(sumsOut), count: touchedCount)
      checksum.add(UnsafePointer(countsOut), count: touchedCount)
      checksum.rows += touchedCount
    }
    return checksum
  }

  /// One table entry holds all of a key, so that a row costs one cache miss, asked for ahead of its use.
  private static func keyedSumOfManyKeys(_ batches: [RecordBatch], rows: Int, keyCount: Int) -> Checksum {
    var checksum = Checksum()
    let logCapacity = max(4, Int.bitWidth - (keyCount * 4 - 1).leadingZeroBitCount)
    let capacity = 1 << logCapacity
    let mask = capacity - 1
    let shift = UInt64(64 - logCapacity)
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
    entries.initialize(repeating: Entry(key: 0, sum: 0, count: 0, batch: 0), count: capacity)
    let batchCapacity = batches.map(\.length).max() ?? 0
    let touched = UnsafeMutablePointer<UnsafeMutablePointer<Entry>>.allocate(capacity: batchCapacity + 1)
    let keysOut = UnsafeMutablePointer<Int64>.allocate(capacity: batchCapacity)
    let sumsOut = UnsafeMutablePointer<Int64>.allocate(capacity: batchCapacity)
    let countsOut = UnsafeMutablePointer<Int64>.allocate(capacity: batchCapacity)
    defer {
      entries.deallocate()
      touched.deallocate()
      keysOut.deallocate()
      sumsOut.deallocate()
      countsOut.deallocate()
    }
    let ahead = 24
    var batchNumber: Int32 = 0
    forEachBatch(batches, rows: rows) { batch in
      batchNumber &+= 1
      let keys = batch.columns[0].values(Int64.self)
      let values = batch.columns[1].values(Int64.self)
      let count = batch.length
      var touchedCount = 0
      for row in 0..<min(ahead, count) { platform_prefetch(entries + place(keys[row], shift)) }
      for row in 0..<count {
        if row &+ ahead < count { platform_prefetch(entries + place(keys[row &+ ahead], shift)) }
        let key = keys[row]
        var index = place(key, shift)
        while entries[index].count != 0 && entries[index].key != key { index = (index &+ 1) & mask }
        let entry = entries + index
        entry.pointee.key = key
        entry.pointee.sum &+= values[row]
        entry.pointee.count &+= 1
        touched[touchedCount] = entry
        touchedCount &+= entry.pointee.batch == batchNumber ? 0 : 1
        entry.pointee.batch = batchNumber
      }
      for index in 0..<touchedCount {
        let entry = touched[index]
        keysOut[index] = entry.pointee.key
        sumsOut[index] = entry.pointee.sum
        countsOut[index] = Int64(entry.pointee.count)
      }
      checksum.add(UnsafePointer(keysOut), count: touchedCount)
      checksum.add(UnsafePointer(sumsOut), count: touchedCount)
      checksum.add(UnsafePointer(countsOut), count: touchedCount)
      checksum.rows += touchedCount
    }
    return checksum
  }

  private struct Entry {
    var key: Int64
    var sum: Int64
    /// 0 in an empty entry.
    var count: Int32
    var batch: Int32
  }

  @inline(__always)  // a call a row would be a fifth of the loop
  private static func place(_ key: Int64, _ shift: UInt64) -> Int {
    let mixed = UInt64(bitPattern: key) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: ((mixed ^ (mixed &>> 32)) &* 0xD6E8_FEB8_6659_FD93) &>> shift)
  }

  /// The batches in turn, over and over, until `rows` rows were seen; the same rows as `MemorySource` gives.
  private static func forEachBatch(_ batches: [RecordBatch], rows: Int, _ body: (RecordBatch) -> Void) {
    var left = rows
    var index = 0
    while left > 0 {
      let batch = batches[index]
      body(batch.length <= left ? batch : batch.slice(0..<left))
      left -= batch.length
      index = index + 1 == batches.count ? 0 : index + 1
    }
  }
}
