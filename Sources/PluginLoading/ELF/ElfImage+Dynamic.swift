extension ElfImage {
  /// Reads the table that the dynamic loader reads: libraries, search path, and whether `symbol` is exported.
  mutating func readDynamic(_ file: ByteView, _ segments: Segments, symbol: String) throws(ByteView.Damage) {
    guard let segment = segments.all.first(where: { $0.type == Constant.segmentDynamic }) else { return }
    let table = try file.part(segment.offset, segment.fileSize, "dynamic section")
    var tags: [UInt64: UInt64] = [:]
    var neededOffsets: [UInt64] = []
    for index in 0..<min(table.count / Constant.dynamicSize, Constant.tableLimit) {
      let tag: UInt64 = try table.integer(index * Constant.dynamicSize, "dynamic section")
      let value: UInt64 = try table.integer(index * Constant.dynamicSize + 8, "dynamic section")
      if tag == 0 { break }
      if tag == Constant.tagNeeded { neededOffsets.append(value) } else { tags[tag] = value }
    }
    guard let stringsAddress = tags[Constant.tagStrings] else { return }
    var strings = try segments.bytes(at: stringsAddress, of: file, "dynamic string table")
    if let size = tags[Constant.tagStringsSize] { strings = try strings.part(0, size, "dynamic string table") }
    for offset in neededOffsets { needed.append(try strings.string(offset, "library name")) }
    if let path = tags[Constant.tagRunpath] ?? tags[Constant.tagRpath] {
      searchPathIsRunpath = tags[Constant.tagRunpath] != nil
      searchPath = try strings.string(path, "library search path").split(separator: ":").map(String.init)
    }
    guard let symbolsAddress = tags[Constant.tagSymbols] else { return }
    let symbols = try segments.bytes(at: symbolsAddress, of: file, "dynamic symbol table")
    let count = try Self.symbolCount(file, segments, tags)
    exportsSymbol = try Self.contains(symbol, symbols: symbols, count: count, strings: strings)
  }

  private static func contains(
    _ symbol: String, symbols: ByteView, count: UInt64, strings: ByteView
  ) throws(ByteView.Damage) -> Bool {
    let wanted = Array(symbol.utf8)
    for index in 0..<count {
      let at = index * Constant.symbolSize
      let nameOffset = UInt64(try symbols.integer(at, "dynamic symbol table", as: UInt32.self))
      guard nameOffset < strings.count, strings.count - nameOffset > UInt64(wanted.count),
        strings.bytes[Int(nameOffset)] == wanted[0]
      else { continue }
      let info: UInt8 = try symbols.integer(at + 4, "dynamic symbol table")
      let other: UInt8 = try symbols.integer(at + 5, "dynamic symbol table")
      let section: UInt16 = try symbols.integer(at + 6, "dynamic symbol table")
      // Global or weak, of default or protected visibility, defined here.
      guard info >> 4 == 1 || info >> 4 == 2, other & 3 == 0 || other & 3 == 3, section != 0 else { continue }
      if try strings.bytesToNUL(nameOffset, "symbol name").elementsEqual(wanted) { return true }
    }
    return false
  }

  /// How many dynamic symbols there are, which only the hash tables tell.
  private static func symbolCount(
    _ file: ByteView, _ segments: Segments, _ tags: [UInt64: UInt64]
  ) throws(ByteView.Damage) -> UInt64 {
    if let address = tags[Constant.tagHash] {
      let table = try segments.bytes(at: address, of: file, "symbol hash table")
      return UInt64(try table.integer(4, "symbol hash table", as: UInt32.self))
    }
    guard let address = tags[Constant.tagGNUHash] else { return 0 }
    let table = try segments.bytes(at: address, of: file, "symbol hash table")
    let bucketCount = UInt64(try table.integer(0, "symbol hash table", as: UInt32.self))
    let firstHashed = UInt64(try table.integer(4, "symbol hash table", as: UInt32.self))
    let bloomCount = UInt64(try table.integer(8, "symbol hash table", as: UInt32.self))
    let buckets = 16 + bloomCount * 8
    var last: UInt64 = 0
    for index in 0..<min(bucketCount, Constant.tableLimit) {
      last = max(last, UInt64(try table.integer(buckets + index * 4, "symbol hash table", as: UInt32.self)))
    }
    guard last >= firstHashed, last > 0 else { return firstHashed }
    // The chain of the last bucket ends at the first odd hash.
    let chains = buckets + bucketCount * 4
    while try table.integer(chains + (last - firstHashed) * 4, "symbol hash table", as: UInt32.self) & 1 == 0 {
      last += 1
    }
    return last + 1
  }
}
