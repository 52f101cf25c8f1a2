import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@Suite("The check of foreign columns")
struct ColumnCheckTests {
  private static func buffer<Value: BitwiseCopyable>(_ values: [Value]) -> Buffer {
    let buffer = Buffer(byteCount: values.count * MemoryLayout<Value>.stride)
    values.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: buffer.unsafeMutableAddress, count: $0.count).copyMemory(from: $0)
    }
    return buffer
  }

  /// What is wrong with a column, nil when nothing is.
  private static func finding(_ column: Column, nullable: Bool = true, text: Bool = true) -> String? {
    do throws(ColumnFault) {
      _ = try ColumnCheck(text: text).checked(column, Field("x", column.type, nullable: nullable))
      return nil
    } catch {
      return "\(error.path) \(error.finding)"
    }
  }

  private static func column(
    _ type: DataType, _ length: Int, offset: Int = 0, validity: [UInt8]? = nil, _ buffers: [Buffer],
    _ children: [Column] = []
  ) -> Column {
    Column(
      type: type, length: length, offset: offset, validity: validity.map { buffer($0) }, buffers: buffers,
      children: children)
  }

  @Test("finds nothing in any column that Volley builds, and returns it", arguments: RandomColumns.types)
  func own(_ type: DataType) throws {
    var generator = SeededGenerator()
    for (length, offset) in [(0, 0), (1, 0), (50, 0), (50, 9), (300, 64)] {
      let column = RandomColumns.column(type, RandomColumns.values(type, length, nulls: 3, &generator), offset: offset)
      let checked = try ColumnCheck().checked(column, Field("x", type))
      #expect(checked == column, "\(generator)")
      for (left, right) in zip(checked.buffers, column.buffers) { #expect(left === right) }
    }
  }

  @Test("finds buffers that are too short")
  func sizes() {
    for (column, finding) in [
      (Self.column(.bool, 9, [Self.buffer([1] as [UInt8])]), "x has a buffer of bits of 1 bytes, and its rows need 2"),
      (
        Self.column(.int32, 3, [Self.buffer([1, 2] as [Int32])]),
        "x has a buffer of values of 8 bytes, and its rows need 12"
      ),
      (
        Self.column(.int32, 2, offset: 1, [Self.buffer([1, 2] as [Int32])]),
        "x has a buffer of values of 8 bytes, and its rows need 12"
      ),
      (
        Self.column(.int8, 9, validity: [1], [Self.buffer([Int8](repeating: 0, count: 9))]),
        "x has a validity bitmap of 1 bytes, and its rows need 2"
      ),
      (
        Self.column(.utf8, 2, [Self.buffer([0, 0] as [Int32]), Self.buffer([UInt8]())]),
        "x has a buffer of offsets of 8 bytes, and its rows need 12"
      ),
      (
        Self.column(.utf8View, 2, [Self.buffer([0, 0] as [Int64])]),
        "x has a buffer of views of 16 bytes, and its rows need 32"
      ),
      (Self.column(.int8, -1, [Self.buffer([Int8]())]), "x has -1 rows from row 0 on; at most 2^32 - 1 are possible"),
      (
        Self.column(.int8, .max, offset: 2, [Self.buffer([Int8]())]),
        "x has 9223372036854775807 rows from row 2 on; at most 2^32 - 1 are possible"
      ),
      (
        Self.column(.struct([Field("a", .int8)]), 3, [], [Self.column(.int8, 2, [Self.buffer([1, 2] as [Int8])])]),
        "x has a child of 2 rows, and its own rows need 3"
      ),
      (
        Self.column(
          .fixedSizeList(Field("item", .int8), size: 2), 2, [],
          [Self.column(.int8, 3, [Self.buffer([1, 2, 3] as [Int8])])]),
        "x has a child of 3 rows, and its own rows need 4"
      ),
      (
        Self.column(
          .fixedSizeList(Field("item", .int8), size: .max), 2, [], [Self.column(.int8, 0, [Self.buffer([Int8]())])]),
        "x has a child of 0 rows, and its own rows need 9223372036854775807"
      ),
    ] { #expect(Self.finding(column) == finding) }
  }

  @Test("finds offsets that fall, are negative or lie beyond the end")
  func offsets() {
    let bytes = Self.buffer(Array("abcdef".utf8))
    for (offsets, finding) in [
      ([0, 3, 6], nil), ([6, 6, 6], nil), ([2, 3, 4], nil),
      ([0, 3, 2], "x says that row 1 is bytes 3 to 2; offsets must start at 0 or later and never fall"),
      ([-1, 3, 6], "x says that row 0 is bytes -1 to 3; offsets must start at 0 or later and never fall"),
      ([0, 3, 7], "x has rows up to byte 7, and only 6 bytes"),
      (
        [.max, .min, 2],
        "x says that row 0 is bytes 2147483647 to -2147483648; offsets must start at 0 or later and never fall"
      ),
    ] as [([Int32], String?)] {
      #expect(Self.finding(Self.column(.binary, 2, [Self.buffer(offsets), bytes])) == finding)
      #expect(
        (Self.finding(Self.column(.largeUtf8, 2, [Self.buffer(offsets.map { Int64($0) }), bytes])) == nil)
          == (finding == nil))
      let items = Self.column(.int8, 6, [bytes])
      let lists = Self.finding(Self.column(.list(of: .int8), 2, [Self.buffer(offsets)], [items]))
      #expect(lists == finding?.replacing("byte", with: "item"))
      let large = Self.column(.largeList(Field("item", .int8)), 2, [Self.buffer(offsets.map { Int64($0) })], [items])
      #expect((Self.finding(large) == nil) == (finding == nil))
    }
    // Rows before the slice do not count.
    #expect(Self.finding(Self.column(.binary, 1, offset: 1, [Self.buffer([9, 3, 6] as [Int32]), bytes])) == nil)
    #expect(Self.finding(Self.column(.binary, 0, [Self.buffer([Int32]()), bytes])) == nil)
  }

  @Test("finds text that is not UTF-8, but not below nulls, and not when it is not asked to")
  func text() {
    let bytes = Self.buffer(Array("aü".utf8) + [0xFF] + Array("b".utf8))
    func column(_ offsets: [Int32], validity: [UInt8]? = nil) -> Column {
      Self.column(.utf8, offsets.count - 1, validity: validity, [Self.buffer(offsets), bytes])
    }
    #expect(Self.finding(column([0, 1, 3])) == nil)
    #expect(Self.finding(column([4, 5])) == nil)
    #expect(
      Self.finding(column([0, 2, 3]))
        == "x holds text that is not UTF-8 in row 0, from byte 1 of the value on; write it as binary")
    #expect(
      Self.finding(column([0, 3, 4, 5]))
        == "x holds text that is not UTF-8 in row 1, from byte 0 of the value on; write it as binary")
    #expect(Self.finding(column([0, 3, 4, 5], validity: [0b101])) == nil)
    #expect(Self.finding(column([0, 1, 2, 3], validity: [0b001])) == nil)
    #expect(Self.finding(column([0, 3, 4, 5]), text: false) == nil)
    var binary = column([0, 3, 4, 5])
    binary.type = .binary
    #expect(Self.finding(binary) == nil)
  }

  private static func view(_ length: Int32, _ prefix: String, _ index: Int32, _ start: Int32) -> [Int32] {
    let prefix = Array(prefix.utf8)
    return [length, prefix.enumerated().reduce(0) { $0 | Int32($1.element) << Int32(8 * $1.offset) }, index, start]
  }

  @Test("finds views beyond their buffers, and empties those of nulls")
  func views() throws {
    let bytes = Self.buffer(Array("0123456789abcdefü".utf8) + [0xFF] + Array("0123456789abcdef".utf8))
    func finding(_ view: [Int32], _ type: DataType = .utf8View) -> String? {
      Self.finding(Self.column(type, 1, [Self.buffer(view), bytes]))
    }
    #expect(finding(Self.view(18, "0123", 0, 0)) == nil)
    #expect(finding(Self.view(13, "3456", 0, 22)) == nil)
    #expect(finding(Self.view(-1, "", 0, 0)) == "x has a view of -1 bytes in row 0")
    #expect(finding(Self.view(13, "0123", 1, 0)) == "x has a view into buffer 1 in row 0, and 1 buffers")
    #expect(finding(Self.view(13, "0123", -1, 0)) == "x has a view into buffer -1 in row 0, and 1 buffers")
    #expect(
      finding(Self.view(13, "abcd", 0, 23)) == "x has a view of 13 bytes from byte 23 on in row 0, of a buffer of 35")
    #expect(
      finding(Self.view(13, "abcd", 0, -1)) == "x has a view of 13 bytes from byte -1 on in row 0, of a buffer of 35")
    #expect(
      finding(Self.view(13, "012x", 0, 0))
        == "x has a view in row 0 that does not repeat the first four bytes of its value")
    #expect(finding(Self.view(19, "0123", 0, 0))?.hasSuffix("from byte 18 of the value on; write it as binary") == true)
    #expect(finding(Self.view(17, "0123", 0, 0))?.hasSuffix("from byte 16 of the value on; write it as binary") == true)
    #expect(finding(Self.view(19, "0123", 0, 0), .binaryView) == nil)
    #expect(finding([1, 0xFF, 0, 0])?.hasSuffix("from byte 0 of the value on; write it as binary") == true)

    let stray = Self.column(
      .utf8View, 3, validity: [0b101],
      [Self.buffer(Self.view(13, "0123", 0, 0) + Self.view(13, "0123", 7, 7) + Self.view(2, "ab", 0, 0)), bytes])
    let checked = try ColumnCheck().checked(stray, Field("x", .utf8View))
    #expect(checked.views[1].length == 0)
    #expect(checked.literals == [.string("0123456789abc", .utf8View), .null(.utf8View), .string("ab", .utf8View)])
  }

  @Test("does not read text again for each of many views of it")
  func sharedText() throws {
    // A million views of 16 MiB would be 16 TiB, read one by one.
    let count = 1 << 14
    for tail in [UInt8(97), 0xFF] {
      let bytes = Self.buffer([UInt8](repeating: 97, count: 1 << 24) + [tail])
      let views = [[Int32]](repeating: Self.view(1 << 24, "aaaa", 0, 0), count: count).flatMap { $0 }
      // What no view shows is not read, as little as text that is not there.
      #expect(Self.finding(Self.column(.utf8View, count, [Self.buffer(views), bytes])) == nil)
      let all = views + Self.view(13, "aaaa", 0, Int32(1 << 24 - 12))
      let finding = Self.finding(Self.column(.utf8View, count + 1, [Self.buffer(all), bytes]))
      #expect((finding == nil) == (tail == 97))
      if tail != 97 { #expect(finding?.contains("which are not text throughout, very often") == true) }
    }
  }

  @Test("finds indices beyond the dictionary in every width, and makes those of nulls 0")
  func indices() throws {
    let values = Self.column(.int8, 3, [Self.buffer([7, 8, 9] as [Int8])])
    func check<Index: FixedWidthInteger & BitwiseCopyable>(_ type: DataType, _: Index.Type) throws {
      let type = DataType.dictionary(index: type, value: .int8, ordered: false)
      func column(_ indices: [Index], _ validity: [UInt8]? = nil) -> Column {
        Self.column(type, indices.count, validity: validity, [Self.buffer(indices)], [values])
      }
      #expect(Self.finding(column([0, 2, 1])) == nil)
      #expect(Self.finding(column([0, 3]))?.hasSuffix("in row 1, and 3 values in its dictionary") == true)
      #expect(Self.finding(column([.max]))?.hasSuffix("in row 0, and 3 values in its dictionary") == true)
      #expect((Self.finding(column([.min])) == nil) == (Index.min == 0))
      let checked = try ColumnCheck().checked(column([2, .max, 1], [0b101]), Field("x", type))
      #expect(checked.values(Index.self)[1] == 0)
      #expect(checked.literals == [.integer(9, .int8), .null(type), .integer(8, .int8)])
    }
    try check(.int8, Int8.self)
    try check(.int16, Int16.self)
    try check(.int32, Int32.self)
    try check(.int64, Int64.self)
    try check(.uint8, UInt8.self)
    try check(.uint16, UInt16.self)
    try check(.uint32, UInt32.self)
    try check(.uint64, UInt64.self)
    // A negative index of eight bits is no index of a dictionary of 200 values.
    let many = Self.column(.int8, 200, [Self.buffer([Int8](repeating: 0, count: 200))])
    let type = DataType.dictionary(index: .int8, value: .int8, ordered: false)
    #expect(Self.finding(Self.column(type, 1, [Self.buffer([-100] as [Int8])], [many])) != nil)
  }

  @Test("finds nulls where none may be, at every depth, unless nobody sees them")
  func nulls() {
    let child = Self.column(.int8, 2, validity: [0b01], [Self.buffer([1, 2] as [Int8])])
    #expect(Self.finding(child) == nil)
    #expect(Self.finding(child, nullable: false) == "x has 1 nulls, but is declared as never null")
    let never = Field("a", .int8, nullable: false)
    #expect(
      Self.finding(Self.column(.struct([never]), 2, [], [child])) == "x.a has 1 nulls, but is declared as never null")
    #expect(Self.finding(Self.column(.struct([never]), 2, validity: [0b01], [], [child])) == nil)
    #expect(
      Self.finding(Self.column(.struct([never]), 2, validity: [0b10], [], [child]))
        == "x.a has 1 nulls, but is declared as never null")
    #expect(Self.finding(Self.column(.struct([never]), 1, offset: 1, validity: [0b01], [], [child])) == nil)
    let pairs = DataType.fixedSizeList(never, size: 1)
    #expect(Self.finding(Self.column(pairs, 2, validity: [0b01], [], [child])) == nil)
    #expect(
      Self.finding(Self.column(pairs, 2, validity: [0b10], [], [child]))
        == "x.a has 1 nulls, but is declared as never null")
    #expect(
      Self.finding(
        Self.column(
          .map(.int8, to: .int8), 1, [Self.buffer([0, 2] as [Int32])],
          [Self.column(.struct([Field("key", .int8, nullable: false), Field("value", .int8)]), 2, [], [child, child])]))
        == "x.entries.key has 1 nulls, but is declared as never null")
  }
}
