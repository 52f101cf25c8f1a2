import Base

/// The approximate number of distinct values, from their 64-bit hashes: a HyperLogLog of 2^14 registers, whose standard
/// error is 0.81 %, kept as a set of precise registers while it is small.
///
/// Until 1,536 of the 2^26 precise registers are in use, the sketch is a hash table of them (4 bytes an entry, from 8 entries
/// on) and practically exact; then it is 16 KiB of registers. Which of the two depends on the set of hashes alone, and so does
/// every bit of the encoding: merging the sketches of parts gives the sketch of the whole.
///
/// Sources: Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog", 2007; Heule, Nunkesser, Hall: "HyperLogLog in Practice", 2013
/// (the sparse form); Ertl: "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6 (the estimate).
///
/// A handle of 16 bytes to memory of an arena: a copy is the same sketch, and one of them is used further. It is forgotten
/// with its arena or given back with `release`. One thread at a time.
public struct HyperLogLog: BitwiseCopyable {
  /// Bits of a hash that choose a register.
  public static let precision = 14
  /// Registers of the dense form, a byte each.
  static let registerCount = 1 << precision
  /// The greatest value of a register: all bits behind the register's are 0.
  static let greatestRank = 64 - precision + 1

  /// Bits of a hash that choose a precise register of the sparse form.
  static let sparsePrecision = 26
  static let greatestSparseRank = 64 - sparsePrecision + 1
  /// An entry is the register's number above 6 bits of its value, which is never 0, so that 0 is an empty place.
  static let rankBits: UInt32 = 6
  static let leastTable = 8
  static let largestTable = 2048
  /// More registers than these make the sketch dense: three quarters of the largest table.
  static let sparseLimit = largestTable / 4 * 3

  var memory: UnsafeMutableRawPointer?
  /// Entries of the sparse form.
  var count: UInt32 = 0
  /// Places of the sparse form's table, a power of two; 0 before the first hash, `UInt32.max` in the dense form.
  var capacity: UInt32 = 0

  /// A sketch of nothing, which takes no memory.
  public init() {}

  var isDense: Bool { capacity == .max }

  /// Bytes of the arena that it takes.
  public var byteCount: Int { isDense ? Self.registerCount : Int(capacity) * 4 }

  /// Adds a value by its hash. The hash must be as good as random in all bits: a checksum or an integer is not.
  public mutating func insert(hash: UInt64, in arena: BlockArena) throws(Failure) {
    if isDense {
      raise(Int(hash >> UInt64(64 - Self.precision)), to: Self.rank(of: hash, behind: Self.precision))
      return
    }
    let index = UInt32(truncatingIfNeeded: hash >> UInt64(64 - Self.sparsePrecision))
    let rank = UInt32(Self.rank(of: hash, behind: Self.sparsePrecision))
    try insert(entry: index << Self.rankBits | rank, in: arena)
  }

  /// How many zeros follow the first `bits` bits of a hash, and one more.
  static func rank(of hash: UInt64, behind bits: Int) -> UInt8 {
    // The guard bit ends the count where the hash does.
    let rest = (hash << UInt64(bits)) | (1 << UInt64(bits - 1))
    return UInt8(truncatingIfNeeded: rest.leadingZeroBitCount + 1)
  }

  func raise(_ register: Int, to rank: UInt8) {
    guard let memory else { preconditionFailure("a dense sketch has registers") }
    let registers = memory.assumingMemoryBound(to: UInt8.self)
    if rank > registers[register] { registers[register] = rank }
  }

  /// The register of the dense form that a precise one belongs to, and its value.
  static func denseRegister(ofEntry entry: UInt32) -> (register: Int, rank: UInt8) {
    let index = entry >> rankBits
    let extra = sparsePrecision - precision
    let low = index & ((1 << UInt32(extra)) - 1)
    let rank = low == 0 ? extra + Int(entry & 63) : low.leadingZeroBitCount - (32 - extra) + 1
    return (Int(index >> UInt32(extra)), UInt8(truncatingIfNeeded: rank))
  }

  mutating func insert(entry: UInt32, in arena: BlockArena) throws(Failure) {
    if isDense {
      let (register, rank) = Self.denseRegister(ofEntry: entry)
      raise(register, to: rank)
      return
    }
    if (count + 1) * 4 > capacity * 3 {
      // A register that is there already needs no room; else this would depend on the order.
      if let place = place(of: entry), place.pointee != 0 {
        place.pointee = max(place.pointee, entry)
        return
      }
      if Int(capacity) == Self.largestTable {
        try makeDense(arena)
        return try insert(entry: entry, in: arena)
      }
      try grow(arena)
    }
    guard let place = place(of: entry) else { preconditionFailure("the table has been grown") }
    if place.pointee == 0 { count += 1 }
    // Entries of one register compare as their values do.
    place.pointee = max(place.pointee, entry)
  }

  /// Where the entry of that register is, or the empty place where it belongs; nil without a table.
  private func place(of entry: UInt32) -> UnsafeMutablePointer<UInt32>? {
    guard let memory else { return nil }
    let table = memory.assumingMemoryBound(to: UInt32.self)
    let index = entry >> Self.rankBits
    let mask = Int(capacity) - 1
    var place = Int(index) & mask
    while table[place] != 0, table[place] >> Self.rankBits != index { place = (place + 1) & mask }
    return table + place
  }

  private mutating func grow(_ arena: BlockArena) throws(Failure) {
    let old = self
    let places = max(Self.leastTable, Int(capacity) * 2)
    memory = try arena.allocate(places * 4)
    memory?.initializeMemory(as: UInt32.self, repeating: 0, count: places)
    capacity = UInt32(places)
    old.forEachEntry { entry in place(of: entry)?.pointee = entry }
    old.freeMemory(arena)
  }

  mutating func makeDense(_ arena: BlockArena) throws(Failure) {
    let old = self
    memory = try arena.allocate(Self.registerCount)
    memory?.initializeMemory(as: UInt8.self, repeating: 0, count: Self.registerCount)
    capacity = .max
    count = 0
    old.forEachEntry { entry in
      let (register, rank) = Self.denseRegister(ofEntry: entry)
      raise(register, to: rank)
    }
    old.freeMemory(arena)
  }

  /// The entries of the sparse form, in the table's order.
  func forEachEntry(_ body: (UInt32) -> Void) {
    guard !isDense, let memory else { return }
    let table = memory.assumingMemoryBound(to: UInt32.self)
    for place in 0..<Int(capacity) where table[place] != 0 { body(table[place]) }
  }

  /// Adds the values of another sketch, of this or another arena, which stays as it is.
  public mutating func merge(_ other: HyperLogLog, in arena: BlockArena) throws(Failure) {
    guard let memory = other.memory else { return }
    if other.isDense {
      if !isDense { try makeDense(arena) }
      let registers = memory.assumingMemoryBound(to: UInt8.self)
      for register in 0..<Self.registerCount { raise(register, to: registers[register]) }
      return
    }
    let table = memory.assumingMemoryBound(to: UInt32.self)
    for place in 0..<Int(other.capacity) where table[place] != 0 { try insert(entry: table[place], in: arena) }
  }

  private func freeMemory(_ arena: BlockArena) {
    if let memory { arena.free(memory, byteCount) }
  }

  /// Gives the memory back; the sketch is then one of nothing.
  public mutating func release(to arena: BlockArena) {
    freeMemory(arena)
    self = HyperLogLog()
  }
}
