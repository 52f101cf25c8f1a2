/// A set of numbers below a bound that remembers the order in which they came, and is emptied at once (Briggs, Torczon, "An
/// efficient representation for sparse sets", 1993).
struct SparseSet: ~Copyable {
  private let dense: UnsafeMutablePointer<UInt32>
  private let sparse: UnsafeMutablePointer<UInt32>
  private(set) var count = 0

  init(capacity: Int) {
    dense = .allocate(capacity: capacity)
    sparse = .allocate(capacity: capacity)
    sparse.initialize(repeating: 0, count: capacity)
  }

  deinit {
    dense.deallocate()
    sparse.deallocate()
  }

  subscript(index: Int) -> UInt32 { dense[index] }

  func contains(_ value: UInt32) -> Bool {
    let place = Int(sparse[Int(value)])
    return place < count && dense[place] == value
  }

  /// False when it is there already.
  mutating func insert(_ value: UInt32) -> Bool {
    if contains(value) { return false }
    dense[count] = value
    sparse[Int(value)] = UInt32(truncatingIfNeeded: count)
    count &+= 1
    return true
  }

  mutating func removeAll() { count = 0 }
}
