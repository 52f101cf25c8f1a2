import Arrow

/// As `ColumnMerger.Values`, for bits.
enum ScatteredBits {
  case dense(Bits)
  case inPlace(Bits)
  case same(Bool)
}

extension Words {
  /// Gives the rows their bits. Those bits are 0 before.
  func scatter(_ bits: ScatteredBits, _ rows: Selection) {
    let (words, indices) = (words, rows.rows)
    switch bits {
    case .dense(let bits):
      var done = 0
      while done < rows.count {
        let step = min(64, rows.count &- done)
        let word = bits.word(done, step)
        for bit in 0..<step {
          let row = indices[done &+ bit]
          words[Int(row >> 6)] |= ((word &>> UInt64(truncatingIfNeeded: bit)) & 1) &<< UInt64(row & 63)
        }
        done &+= step
      }
    case .inPlace(let bits):
      for index in 0..<rows.count {
        let row = indices[index]
        words[Int(row >> 6)] |= (Bitmap.get(bits.address, bits.offset &+ Int(row)) ? 1 : 0) &<< UInt64(row & 63)
      }
    case .same(let value):
      guard value else { return }
      for index in 0..<rows.count { words[Int(indices[index] >> 6)] |= 1 &<< UInt64(indices[index] & 63) }
    }
  }
}
