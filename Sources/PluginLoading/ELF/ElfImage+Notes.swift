extension ElfImage {
  /// Finds the notes in the named section; in a file without section headers, or without that section, in the segments
  /// that hold notes, where the loader would look.
  mutating func readNotes(
    _ file: ByteView, _ segments: Segments, section: String, owner: String, type: UInt32
  ) throws(ByteView.Damage) {
    if let part = try Self.section(section, of: file) {
      notes = try Self.notes(in: part, alignment: 4, owner: owner, type: type)
    }
    for segment in segments.all where segment.type == Constant.segmentNote {
      let part = try file.part(segment.offset, segment.fileSize, "note segment")
      let alignment: UInt64 = segment.alignment == 8 ? 8 : 4
      if notes.isEmpty { notes += try Self.notes(in: part, alignment: alignment, owner: owner, type: type) }
      if buildID.isEmpty {
        buildID = try Self.notes(in: part, alignment: alignment, owner: "GNU", type: Constant.gnuBuildID).first ?? []
      }
    }
  }

  /// The content of the note section of that name, nil if the file has none.
  private static func section(_ name: String, of file: ByteView) throws(ByteView.Damage) -> ByteView? {
    let table: UInt64 = try file.integer(40, "header")
    let entrySize: UInt16 = try file.integer(58, "header")
    let count: UInt16 = try file.integer(60, "header")
    let namesIndex: UInt16 = try file.integer(62, "header")
    guard table != 0, count > 0 else { return nil }
    guard entrySize == Constant.sectionHeaderSize, namesIndex < count else {
      throw ByteView.Damage(what: "its section headers contradict each other")
    }
    let headers = try file.part(table, UInt64(count) * UInt64(entrySize), "section header table")
    func content(_ index: UInt64, _ what: String) throws(ByteView.Damage) -> ByteView {
      let at = index * UInt64(entrySize)
      return try file.part(
        try headers.integer(at + 24, "section header"), try headers.integer(at + 32, "section header"), what)
    }
    let names = try content(UInt64(namesIndex), "table of section names")
    for index in 0..<UInt64(count) {
      let at = index * UInt64(entrySize)
      let type: UInt32 = try headers.integer(at + 4, "section header")
      guard type == Constant.sectionNote else { continue }
      let nameOffset: UInt32 = try headers.integer(at, "section header")
      let found = try names.bytesToNUL(UInt64(nameOffset), "section name")
      if found.elementsEqual(name.utf8) { return try content(index, "section \(name)") }
    }
    return nil
  }

  /// The descriptors of all notes of that owner and type.
  private static func notes(
    in part: ByteView, alignment: UInt64, owner: String, type: UInt32
  ) throws(ByteView.Damage) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var at: UInt64 = 0
    while at < part.count, part.count - at >= 12 {
      let nameSize: UInt32 = try part.integer(at, "note")
      let descriptorSize: UInt32 = try part.integer(at + 4, "note")
      let noteType: UInt32 = try part.integer(at + 8, "note")
      let descriptor = at + 12 + aligned(UInt64(nameSize), to: 4)
      let start = aligned(descriptor, to: alignment)
      let name = try part.part(at + 12, UInt64(nameSize), "note")
      let content = try part.part(start, UInt64(descriptorSize), "note")
      if noteType == type, try name.bytesToNUL(0, "note").elementsEqual(owner.utf8) {
        found.append([UInt8](content.bytes))
      }
      at = aligned(start + UInt64(descriptorSize), to: alignment)
    }
    return found
  }

  /// `value` is at most 2³² plus an offset in the file, so that this cannot overflow.
  private static func aligned(_ value: UInt64, to alignment: UInt64) -> UInt64 {
    (value + alignment - 1) & ~(alignment - 1)
  }
}
