import Arrow
import ArrowTestSupport
import Base
import CVolley
import Glibc
import TestSupport
import Testing
import VolleyPlan

@Suite("C data interface: import")
struct CDataImportTests {
  @Test("adds up the offsets of a struct and of its children")
  func offsets() throws {
    let maker = ForeignArray()
    let schema = Schema([Field("a", .int64), Field("b", .bool), Field("c", .utf8)])
    for parentOffset in [0, 1, 3] {
      for childOffset in [0, 2, 9] {
        let start = parentOffset + childOffset
        let values = ForeignArray.bytes((0..<40).map { Int64($0) })
        let bits: [UInt8] = [0b1011_0101, 0b0110_1110, 0b1101_0011]
        let strings = ForeignArray.bytes((0...40).map { Int32($0 * 2) })
        let text = (0..<80).map { UInt8(ascii: "A") + UInt8($0 % 26) }
        var batch = maker.array(
          length: 5, offset: parentOffset, buffers: [nil],
          children: [
            maker.array(length: 10, offset: childOffset, nullCount: -1, buffers: [bits, values]),
            maker.array(length: 8, offset: childOffset, buffers: [nil, bits]),
            maker.array(length: 30, offset: childOffset, nullCount: -1, buffers: [nil, strings, text]),
          ])
        let imported = try RecordBatch.importing(&batch, schema: schema)
        #expect(imported.length == 5)
        for row in 0..<5 {
          let at = start + row
          let bit = bits[at / 8] >> UInt8(at % 8) & 1 != 0
          #expect(imported.columns[0].literal(at: row) == (bit ? .int64(Int64(at)) : .null(.int64)))
          #expect(imported.columns[1].literal(at: row) == .bool(bit))
          let string = String(decoding: text[(2 * at)..<(2 * at + 2)], as: UTF8.self)
          #expect(imported.columns[2].literal(at: row) == .utf8(string))
        }
      }
    }
    #expect(maker.releases.load(ordering: .relaxed) == 9 * 4)
  }

  @Test("takes arrays without rows that come without buffers")
  func empty() throws {
    let maker = ForeignArray()
    for (type, buffers) in [(DataType.bool, 2), (.int32, 2), (.int64, 2), (.float64, 2), (.utf8, 3), (.timestamp, 2)] {
      for offset in [0, 7] {
        for nullCount in [0, -1] {
          var array = maker.array(
            length: 0, offset: offset, nullCount: nullCount, buffers: [[UInt8]?](repeating: nil, count: buffers))
          let column = try Column.importing(&array, field: Field("a", type))
          #expect(column.length == 0 && column.type == type)
          #expect(try Column.concatenate([column, column]).length == 0)
        }
      }
    }
    #expect(maker.releases.load(ordering: .relaxed) == 24)
  }

  @Test("takes strings that are all empty without bytes")
  func emptyStrings() throws {
    let maker = ForeignArray()
    var array = maker.array(length: 2, buffers: [nil, ForeignArray.bytes([Int32](repeating: 0, count: 3)), nil])
    #expect(try Column.importing(&array, field: Field("a", .utf8)).literals == [.utf8(""), .utf8("")])
  }

  @Test("copies memory that is aligned less than its values")
  func unaligned() throws {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    defer { memory.deallocate() }
    for shift in 0..<8 {
      for index in 0..<3 { (memory + shift).storeBytes(of: Int64(index + 7), toByteOffset: 8 * index, as: Int64.self) }
      let maker = ForeignArray()
      var array = maker.array(length: 2, offset: 1, buffers: [nil, []])
      array.buffers[1] = UnsafeRawPointer(memory + shift)
      let column = try Column.importing(&array, field: Field("a", .int64))
      #expect(column.literals == [.int64(8), .int64(9)])
      #expect(UInt(bitPattern: column.values(Int64.self)) % 8 == 0)
    }
  }

  @Test("takes what stands below nulls for nothing: views, and nulls of fields that have none")
  func belowNulls() throws {
    let maker = ForeignArray()
    let view = ForeignArray.bytes([99, 1, 7, 7] as [Int32]) + ForeignArray.bytes([1, 97, 0, 0] as [Int32])
    var views = maker.array(length: 2, nullCount: 1, buffers: [[0b10], view, ForeignArray.bytes([Int64]())])
    let text = try Column.importing(&views, field: Field("a", .utf8View))
    #expect(text.literals == [.null(.utf8View), .string("a", .utf8View)])
    #expect(text.views[0].length == 0)

    let type = DataType.struct([Field("b", .int64, nullable: false)])
    for (validity, isFit) in [(UInt8(0b01), true), (0b10, false), (0b11, false)] {
      let child = maker.array(length: 2, nullCount: 1, buffers: [[0b01], ForeignArray.bytes([1, 2] as [Int64])])
      var parent = maker.array(length: 2, nullCount: -1, buffers: [[validity]], children: [child])
      do throws(Failure) {
        _ = try Column.importing(&parent, field: Field("a", type))
        #expect(isFit)
      } catch {
        #expect(
          !isFit && error.message.hasPrefix("column 'a.b' received through the Arrow C data interface has 1 nulls"))
      }
    }
  }

  @Test("drops the validity of a column that is said to have no nulls, and counts for a field that must have none")
  func nullCounts() throws {
    let maker = ForeignArray()
    let values = ForeignArray.bytes([Int64](0..<8))
    var array = maker.array(length: 8, nullCount: 0, buffers: [[0xFF], values])
    #expect(try Column.importing(&array, field: Field("a", .int64)).validity == nil)
    array = maker.array(length: 8, nullCount: -1, buffers: [[0xFF], values])
    #expect(try Column.importing(&array, field: Field("a", .int64, nullable: false)).validity == nil)
    array = maker.array(length: 8, nullCount: -1, buffers: [nil, values])
    #expect(try Column.importing(&array, field: Field("a", .int64)).nullCount == 0)
    array = maker.array(length: 8, nullCount: 2, buffers: [[0b1101_1110], values])
    #expect(try Column.importing(&array, field: Field("a", .int64)).nullCount == 2)
  }

  /// A fault, the type of the column, and words of the sentence that refuses it.
  struct Fault: CustomTestStringConvertible {
    var testDescription: String
    var type: DataType = .int64
    var nullable = true
    var words: String
    var make: @Sendable (ForeignArray) -> ArrowArray
  }

  private static let values = ForeignArray.bytes([Int64](0..<8))

  private static func changed(_ change: @escaping @Sendable (inout ArrowArray) -> Void)
    -> @Sendable (ForeignArray) ->
    ArrowArray
  {
    { maker in
      var array = maker.array(length: 8, buffers: [nil, values])
      change(&array)
      return array
    }
  }

  private static func strings(_ offsets: [Int32], length: Int, offset: Int = 0)
    -> @Sendable (ForeignArray) ->
    ArrowArray
  {
    { $0.array(length: length, offset: offset, buffers: [nil, ForeignArray.bytes(offsets), [1, 2, 3, 4]]) }
  }

  static let faults: [Fault] = [
    Fault(testDescription: "negative length", words: "has -1 rows", make: changed { $0.length = -1 }),
    Fault(testDescription: "negative offset", words: "from row -3 on", make: changed { $0.offset = -3 }),
    Fault(testDescription: "huge length", words: "2^32 - 1", make: changed { $0.length = .max }),
    Fault(testDescription: "huge offset", words: "2^32 - 1", make: changed { $0.offset = .max }),
    Fault(testDescription: "null count below -1", words: "-2 nulls", make: changed { $0.null_count = -2 }),
    Fault(testDescription: "more nulls than rows", words: "9 nulls", make: changed { $0.null_count = 9 }),
    Fault(testDescription: "nulls without a bitmap", words: "validity bitmap", make: changed { $0.null_count = 3 }),
    Fault(
      testDescription: "too few buffers", words: "has 1 buffers, where its type has 2",
      make: changed { $0.n_buffers = 1 }),
    Fault(
      testDescription: "buffers of another type", type: .utf8, words: "has 2 buffers, where its type has 3",
      make: changed { _ in }),
    Fault(
      testDescription: "no list of buffers", words: "has NULL where its 2 buffers", make: changed { $0.buffers = nil }),
    Fault(testDescription: "a NULL buffer", words: "NULL as buffer 1", make: changed { $0.buffers[1] = nil }),
    Fault(testDescription: "children", words: "has 1 children", make: changed { $0.n_children = 1 }),
    Fault(
      testDescription: "a dictionary", words: "dictionary",
      make: changed { $0.dictionary = UnsafeMutablePointer(bitPattern: 64) }),
    Fault(
      testDescription: "nulls in a field that has none", nullable: false, words: "has 1 nulls, but is declared",
      make: { $0.array(length: 8, nullCount: -1, buffers: [[0xFE], values]) }),
    Fault(
      testDescription: "offsets that fall", type: .utf8, words: "row 1 is bytes 3 to 2",
      make: strings([0, 3, 2, 4], length: 3)),
    Fault(
      testDescription: "a negative first offset", type: .utf8, words: "row 0 is bytes -1 to 2",
      make: strings([-1, 2], length: 1)),
    Fault(
      testDescription: "a negative last offset", type: .utf8, words: "row 1 is bytes 2 to -5",
      make: strings([0, 2, -5], length: 2)),
    Fault(
      testDescription: "offsets that fall in the rows after an offset", type: .utf8, words: "row 1 is bytes 4 to 3",
      make: strings([9, 0, 4, 3], length: 2, offset: 1)),
    Fault(
      testDescription: "items that are not there", type: .list(of: .int64),
      words: "has rows up to item 9, and only 8 items",
      make: {
        $0.array(
          length: 2, buffers: [nil, ForeignArray.bytes([0, 3, 9] as [Int32])],
          children: [$0.array(length: 8, buffers: [nil, values])])
      }),
    Fault(
      testDescription: "a view of bytes that are not there", type: .binaryView,
      words: "has a view of 20 bytes from byte 0 on in row 0, of a buffer of 8",
      make: {
        $0.array(
          length: 1,
          buffers: [
            nil, ForeignArray.bytes([20, 0, 0, 0] as [Int32]), [UInt8](repeating: 0, count: 8),
            ForeignArray.bytes([Int64(8)]),
          ])
      }),
    Fault(
      testDescription: "a negative size of viewed bytes", type: .binaryView, words: "says that buffer 2 has -8 bytes",
      make: {
        $0.array(
          length: 1, buffers: [nil, ForeignArray.bytes([0, 0, 0, 0] as [Int32]), [], ForeignArray.bytes([Int64(-8)])])
      }),
    Fault(
      testDescription: "values of more bytes than there are addresses", type: .fixedSizeBinary(Int(Int32.max)),
      words: "has 4294967295 rows from row 4294967295 on",
      make: changed { ($0.length, $0.offset) = (Int64(UInt32.max), Int64(UInt32.max)) }),
    Fault(
      testDescription: "items of more rows than there are addresses",
      type: .fixedSizeList(Field("item", .int64), size: Int(Int32.max)),
      words: "has 4294967295 rows from row 4294967295 on",
      make: {
        var array = $0.array(length: 0, buffers: [nil], children: [$0.array(length: 8, buffers: [nil, values])])
        (array.length, array.offset) = (Int64(UInt32.max), Int64(UInt32.max))
        return array
      }),
    Fault(
      testDescription: "more buffers than there are addresses", type: .utf8View, words: "2147483647",
      make: {
        var array = $0.array(length: 1, buffers: [nil, [UInt8](repeating: 0, count: 16), []])
        array.n_buffers = .max
        return array
      }),
    Fault(
      testDescription: "a difference that overflows", type: .utf8, words: "row 0 is bytes -2147483648",
      make: strings([.min, .max], length: 1)),
  ]

  @Test("refuses faults in a sentence that names the column, and releases the array once", arguments: faults)
  func refused(fault: Fault) {
    for inBatch in [false, true] {
      let maker = ForeignArray()
      let field = Field("price", fault.type, nullable: fault.nullable)
      var array = fault.make(maker)
      let children = fault.type.childFields.count
      let error = #expect(throws: Failure.self) {
        if inBatch {
          let length = max(0, min(array.length, 8))
          array = maker.array(length: Int(length), buffers: [nil], children: [array])
          _ = try RecordBatch.importing(&array, schema: Schema([field]))
        } else {
          _ = try Column.importing(&array, field: field)
        }
      }
      #expect(error?.kind == .plugin)
      #expect(error?.message.contains(fault.words) == true, "\(error?.message ?? "")")
      #expect(error?.message.hasPrefix("column 'price'") == true, "\(error?.message ?? "")")
      #expect(array.release == nil)
      #expect(maker.releases.load(ordering: .relaxed) == (inBatch ? 2 : 1) + children)
    }
  }

  @Test("refuses batches that do not fit their schema")
  func batches() {
    let schema = Schema([Field("a", .int64), Field("b", .int64)])
    func refusal(releases: Int, _ make: (ForeignArray) -> ArrowArray) -> String {
      let maker = ForeignArray()
      var array = make(maker)
      let error = #expect(throws: Failure.self) { _ = try RecordBatch.importing(&array, schema: schema) }
      #expect(maker.releases.load(ordering: .relaxed) == releases)
      return error?.message ?? ""
    }
    func child(_ maker: ForeignArray, _ length: Int = 8) -> ArrowArray {
      maker.array(length: length, buffers: [nil, Self.values])
    }
    #expect(
      refusal(releases: 2) { $0.array(length: 8, buffers: [nil], children: [child($0)]) }
        .contains("a batch received through the Arrow C data interface has 1 children, where its type has 2"))
    #expect(
      refusal(releases: 3) { $0.array(length: 8, buffers: [nil], children: [child($0), child($0, 7)]) }
        .contains("column 'b' received through the Arrow C data interface has 7 rows, where its batch has 8"))
    #expect(
      refusal(releases: 3) { $0.array(length: 8, offset: 1, buffers: [nil], children: [child($0), child($0)]) }
        .contains("has 8 rows, where its batch has 8 from row 1 on"))
    #expect(
      refusal(releases: 3) {
        $0.array(length: 8, nullCount: 1, buffers: [[0xFE]], children: [child($0), child($0)])
      }.contains("has 1 nulls; rows of a batch cannot be null as a whole"))
    #expect(
      refusal(releases: 3) {
        $0.array(length: 8, nullCount: -1, buffers: [[0x7F]], children: [child($0), child($0)])
      }.contains("rows of a batch cannot be null as a whole"))
    #expect(
      refusal(releases: 3) { maker in
        let array = maker.array(length: 8, buffers: [nil], children: [child(maker), child(maker)])
        array.children[1]!.pointee.release(array.children[1])
        array.children[1]!.deallocate()
        array.children[1] = nil
        return array
      }.contains("column 'b' received through the Arrow C data interface is NULL"))
    #expect(
      refusal(releases: 3) { maker in
        let array = maker.array(length: 8, buffers: [nil], children: [child(maker), child(maker)])
        array.children[0]!.pointee.release(array.children[0])
        return array
      }.contains("column 'a' received through the Arrow C data interface was used after its release"))
    #expect(
      refusal(releases: 0) { _ in ArrowArray() }
        .contains("a batch received through the Arrow C data interface was used after its release"))
  }

  @Test("refuses a column used twice")
  func usedTwice() throws {
    var array = ForeignArray().array(length: 8, buffers: [nil, Self.values])
    _ = try Column.importing(&array, field: Field("a", .int64))
    let error = #expect(throws: Failure.self) { try Column.importing(&array, field: Field("a", .int64)) }
    #expect(error?.message.contains("was used after its release") == true)
  }

  @Test("refuses schemas of unknown shape in a sentence that names the column")
  func schemas() {
    func refusal(_ change: (inout ArrowSchema) -> Void) -> String {
      var schema = ArrowSchema()
      Schema([Field("a", .int64), Field("b", .utf8)]).export(into: &schema)
      change(&schema)
      let error = #expect(throws: Failure.self) { try Schema.importing(&schema) }
      #expect(schema.release == nil)
      return error?.message ?? ""
    }
    func replace(_ text: inout UnsafePointer<CChar>?, _ new: String) {
      // The maker frees what `strdup` made.
      free(UnsafeMutableRawPointer(mutating: text))
      text = UnsafePointer(strdup(new))
    }
    for format in ["", "q", "tss", "tsx:", "+l", "d:10,2,256", "d:39,0", "d:1", "w:-1", "w:x", "+us:0,1", "+r", "+vl"] {
      #expect(
        refusal { replace(&$0.children[1]!.pointee.format, format) }
          .contains("column 'b' has the Arrow format '\(format)' with 0 children, which is not supported"))
    }
    #expect(refusal { replace(&$0.format, "l") }.contains("the format 'l' was given where a struct"))
    #expect(refusal { $0.release(&$0) }.contains("after its release"))
    #expect(refusal { $0.children[0]!.pointee.release($0.children[0]) }.contains("after its release"))
    // The schema frees its dictionary's memory with its own.
    func dictionary() -> UnsafeMutablePointer<ArrowSchema> {
      let pointer = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
      pointer.initialize(to: ArrowSchema())
      return pointer
    }
    #expect(refusal { $0.children[0]!.pointee.dictionary = dictionary() }.contains("after its release"))
    #expect(
      refusal {
        let values = dictionary()
        Field("", .int8).export(into: values)
        $0.children[1]!.pointee.dictionary = values
      }.contains("column 'b': dictionary<utf8, int8>: the indices of a dictionary are integers, found utf8"))
  }

  @Test("refuses a schema that counts children it does not have", arguments: [-1, 1, Int64.max])
  func schemaChildren(count: Int64) {
    "+s".withCString { format in
      var schema = ArrowSchema()
      schema.format = format
      schema.n_children = count
      schema.release = { $0!.pointee.release = nil }
      let error = #expect(throws: Failure.self) { try Schema.importing(&schema) }
      #expect(error?.message.contains("says that it has \(count) children, but holds none") == true)
      #expect(schema.release == nil)
    }
  }
}
