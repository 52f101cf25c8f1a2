extension ScalarSet {
  /// The set with all scalars that differ from one of its own in case only: "k" brings "K" and the Kelvin sign.
  var folded: ScalarSet {
    let orbits = Self.orbits
    var result = ranges
    for range in ranges {
      // The orbits whose scalars lie in the range: binary search for the first, then on to the range's end.
      var (low, high) = (0, orbits.count)
      while low < high {
        let middle = (low + high) / 2
        if orbits[middle].scalar < range.lowerBound { low = middle + 1 } else { high = middle }
      }
      while low < orbits.count, orbits[low].scalar <= range.upperBound {
        for other in orbits[low].others { result.append(other...other) }
        low += 1
      }
    }
    return ScalarSet(result)
  }

  private struct Orbit {
    var scalar: UInt32
    /// What folds to the same.
    var others: [UInt32]
  }

  /// Each scalar with others of the same folding, ascending.
  private static let orbits: [Orbit] = {
    var families: [UInt32: [UInt32]] = [:]
    for scalar in UInt32(0)..<0x2_0000 {
      let image = ScalarMapping.folded[scalar]
      if image != scalar { families[image, default: [image]].append(scalar) }
    }
    var orbits: [Orbit] = []
    for family in families.values {
      for scalar in family { orbits.append(Orbit(scalar: scalar, others: family.filter { $0 != scalar })) }
    }
    return orbits.sorted { $0.scalar < $1.scalar }
  }()
}
