/// What a shared object's file says of itself, read without loading it.
///
/// Source of the format: System V ABI, "Object Files" and "Dynamic Linking", with the GNU extensions for notes and hash
/// tables. Every offset and count is checked against the file first, and every loop is bounded by it.
struct ElfImage {
  /// `e_machine`: 62 is x86_64, 183 is aarch64.
  var machine: UInt16
  /// `e_type`: 3 is a shared object.
  var type: UInt16
  /// DT_NEEDED, in order.
  var needed: [String] = []
  /// DT_RUNPATH, else DT_RPATH, split at colons; `$ORIGIN` is not replaced.
  var searchPath: [String] = []
  /// Whether the search path is DT_RUNPATH, which LD_LIBRARY_PATH goes before, or DT_RPATH, which goes before that.
  var searchPathIsRunpath = false
  /// Whether a symbol of the name asked for is defined and visible to others.
  var exportsSymbol = false
  /// The descriptors of the notes asked for.
  var notes: [[UInt8]] = []
  /// The link editor's fingerprint of the file, empty if it has none.
  var buildID: [UInt8] = []

  /// Sizes and numbers of the format.
  enum Constant {
    static let headerSize: UInt64 = 64
    static let programHeaderSize: UInt16 = 56
    static let sectionHeaderSize: UInt16 = 64
    static let symbolSize: UInt64 = 24
    static let dynamicSize: UInt64 = 16
    static let sharedObject: UInt16 = 3
    static let segmentLoad: UInt32 = 1
    static let segmentDynamic: UInt32 = 2
    static let segmentNote: UInt32 = 4
    static let sectionNote: UInt32 = 7
    static let gnuBuildID: UInt32 = 3
    static let tagNeeded: UInt64 = 1
    static let tagHash: UInt64 = 4
    static let tagStrings: UInt64 = 5
    static let tagSymbols: UInt64 = 6
    static let tagStringsSize: UInt64 = 10
    static let tagRpath: UInt64 = 15
    static let tagRunpath: UInt64 = 29
    static let tagGNUHash: UInt64 = 0x6fff_fef5
    /// More of any table than a shared object has: a limit on loops.
    static let tableLimit: UInt64 = 1 << 22
  }

  /// Reads a 64-bit little-endian ELF file; the caller has looked at the first six bytes of `e_ident`.
  ///
  /// - Parameters:
  ///   - noteOwner: the owner of the notes to return.
  ///   - section: the section that they are in.
  ///   - symbol: the symbol to look for.
  init(_ file: ByteView, noteOwner: String, noteType: UInt32, section: String, symbol: String) throws(ByteView.Damage) {
    type = try file.integer(16, "header")
    machine = try file.integer(18, "header")
    guard type == Constant.sharedObject else { return }
    let segments = try Segments(file)
    try readNotes(file, segments, section: section, owner: noteOwner, type: noteType)
    try readDynamic(file, segments, symbol: symbol)
  }
}

/// The program headers, by what they are for.
struct Segments {
  struct Segment {
    var type: UInt32
    var offset: UInt64
    var address: UInt64
    var fileSize: UInt64
    var alignment: UInt64
  }
  var all: [Segment] = []

  init(_ file: ByteView) throws(ByteView.Damage) {
    let table: UInt64 = try file.integer(32, "header")
    let entrySize: UInt16 = try file.integer(54, "header")
    let count: UInt16 = try file.integer(56, "header")
    guard count > 0 else { return }
    guard entrySize == ElfImage.Constant.programHeaderSize else {
      throw ByteView.Damage(what: "its program headers are \(entrySize) bytes each, not 56")
    }
    let headers = try file.part(table, UInt64(count) * UInt64(entrySize), "program header table")
    for index in 0..<UInt64(count) {
      let at = index * UInt64(entrySize)
      all.append(
        Segment(
          type: try headers.integer(at, "program header"), offset: try headers.integer(at + 8, "program header"),
          address: try headers.integer(at + 16, "program header"),
          fileSize: try headers.integer(at + 32, "program header"),
          alignment: try headers.integer(at + 48, "program header")))
    }
  }

  /// The bytes of the file from a virtual address on, to the end of its segment.
  func bytes(at address: UInt64, of file: ByteView, _ what: String) throws(ByteView.Damage) -> ByteView {
    for segment in all
    where segment.type == ElfImage.Constant.segmentLoad && address >= segment.address
      && address - segment.address < segment.fileSize
    {
      let (offset, overflow) = segment.offset.addingReportingOverflow(address - segment.address)
      guard !overflow else { break }
      return try file.part(offset, segment.fileSize - (address - segment.address), what)
    }
    throw ByteView.Damage(what: "its \(what) lies outside the file")
  }
}
