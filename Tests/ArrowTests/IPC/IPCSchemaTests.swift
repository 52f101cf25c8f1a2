import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Arrow

@Suite("The schema of Arrow IPC")
struct IPCSchemaTests {
  private static func refusal(_ bytes: [UInt8]) -> String {
    do throws(Failure) {
      _ = try IPCBatches.read(IPCBatches.shared(bytes))
      return "it was read"
    } catch {
      return error.message
    }
  }

  /// A stream of a schema's table alone.
  private static func stream(_ schema: FlatFields, version: Int16 = 4, kind: Int8 = 1) -> [UInt8] {
    let header = FlatWriter.buffer(
      root: [(0, .int16(version)), (1, .int8(kind)), (2, .table(schema)), (3, .int64(0))])
    return [0xFF, 0xFF, 0xFF, 0xFF] + withUnsafeBytes(of: Int32(header.count).littleEndian) { Array($0) } + header
  }

  private static func field(_ type: Int8, _ fields: FlatFields, _ rest: FlatFields = []) -> FlatFields {
    [(0, .string("x")), (1, .bool(true)), (2, .int8(type)), (3, .table(fields))] + rest
  }

  @Test("is refused with the field's name and the type's, for types that Volley has not")
  func missingTypes() throws {
    let folder = TemporaryFolder()
    let outcome = TestProcess.python(
      """
      import sys, pyarrow as pa
      types = [pa.dense_union([pa.field('a', pa.int8())]), pa.run_end_encoded(pa.int32(), pa.utf8()), pa.list_view(pa.int8()),
               pa.large_list_view(pa.int8()), pa.decimal256(50, 2), pa.decimal32(5, 2), pa.decimal64(9, 2)]
      for i, type in enumerate(types):
          with pa.ipc.new_stream(f'{sys.argv[1]}/{i}', pa.schema([pa.field('x', type)])): pass
      """, arguments: [folder.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let names = ["union", "run_end_encoded", "list_view", "large_list_view", "decimal256", "decimal32", "decimal64"]
    for (index, name) in names.enumerated() {
      let content = try #require(folder.read("\(index)"))
      #expect(Self.refusal(content).hasPrefix("field 'x' has the type \(name), which Volley has not; convert it"))
    }
  }

  @Test("is refused when it is big endian, of another version or no schema at all")
  func otherForms() {
    #expect(Self.refusal(Self.stream([(0, .int16(0)), (1, .tables([]))])) == "it was read")
    #expect(Self.refusal(Self.stream([(0, .int16(1)), (1, .tables([]))])).hasPrefix("the Arrow data is big endian"))
    #expect(Self.refusal(Self.stream([], version: 2)).hasPrefix("the Arrow data is of metadata version V3"))
    #expect(Self.refusal(Self.stream([], version: 5)).hasPrefix("the Arrow data is of metadata version V6"))
    #expect(Self.refusal(Self.stream([], version: 3)) == "it was read")
    #expect(Self.refusal(Self.stream([], kind: 3)).hasPrefix("the Arrow stream begins with a batch message"))
    #expect(Self.refusal(Self.stream([], kind: 4)).hasPrefix("the Arrow data holds a tensor"))
    #expect(Self.refusal(Self.stream([], kind: 9)).contains("its kind is number 9"))
    #expect(
      Self.refusal(Self.stream([(1, .tables([]))]) + Self.stream([(1, .tables([]))])).hasPrefix(
        "the Arrow data holds a second schema"))
  }

  @Test("is refused when a type's parameters are impossible")
  func impossibleTypes() {
    for (type, fields, finding) in [
      (99 as Int8, [] as FlatFields, "has a type that this version does not know, number 99"),
      (2, [(0, .int32(12))], "has integers of 12 bits"),
      (3, [(0, .int16(3))], "floats of an unknown precision, number 3"),
      (7, [(0, .int32(39))], "decimal128(39, 0)"), (7, [(0, .int32(5)), (1, .int32(1000))], "decimal128(5, 1000)"),
      (8, [(0, .int16(2))], "dates of an unknown unit, number 2"),
      (9, [(0, .int16(3)), (1, .int32(32))], "times in ns of 32 bits"),
      (10, [(0, .int16(4))], "unknown unit of time, number 4"),
      (11, [(0, .int16(3))], "intervals of an unknown unit, number 3"),
      (12, [], "has 0 children, where its type has 1"), (15, [(0, .int32(-1))], "has values of -1 bytes"),
      (16, [], "has 0 children, where its type has 1"), (17, [], "has 0 children, where its type has 1"),
    ] {
      let refusal = Self.refusal(Self.stream([(1, .tables([Self.field(type, fields)]))]))
      #expect(refusal.hasPrefix("field 'x'") && refusal.contains(finding), "\(refusal)")
    }
    let child = Self.field(2, [(0, .int32(8)), (1, .bool(true))])
    #expect(
      Self.refusal(Self.stream([(1, .tables([Self.field(17, [], [(5, .tables([child]))])]))])).contains(
        "is a map of int8, where entries of a key and a value are expected"))
    #expect(
      Self.refusal(Self.stream([(1, .tables([Self.field(6, [], [(5, .tables([child]))])]))])).contains(
        "has 1 children, where its type has 0"))
  }

  @Test("has defaults where its maker left fields out")
  func defaults() throws {
    for (type, expected) in [
      (3 as Int8, DataType.float16), (8, .date64), (9, .time32(.millisecond)), (10, .timestamp(.second)),
      (11, .interval(.yearMonth)), (18, .duration(.millisecond)), (15, .fixedSizeBinary(0)), (13, .struct([])),
    ] {
      let bytes = Self.stream([(1, .tables([[(2, .int8(type)), (3, .table([]))]]))])
      let schema = try IPCBatches.schema(of: IPCBatches.shared(bytes))
      #expect(schema.fields == [Field("", expected, nullable: false)])
    }
    // A dictionary without an index type has Int32.
    let bytes = Self.stream([(1, .tables([Self.field(5, [], [(4, .table([]))])]))])
    #expect(try IPCBatches.schema(of: IPCBatches.shared(bytes)).fields[0].type == .dictionary(of: .utf8))
  }

  @Test("may be 64 types deep, and no deeper")
  func nesting() throws {
    func schema(_ depth: Int) -> IPCSchema {
      var type = DataType.int8
      for _ in 1..<depth { type = .list(of: type) }
      return IPCSchema([Field("x", type)])
    }
    let deep = schema(64)
    #expect(try IPCBatches.schema(of: IPCBatches.shared(IPCBatches.stream(deep, []))) == deep)
    let refusal = Self.refusal(try IPCBatches.stream(schema(65), []))
    #expect(refusal == "field 'item' lies too deep within other fields; flatten the schema")
  }

  @Test("is refused when a small header describes a tree of any size")
  func amplification() throws {
    // Each of 20 levels names the level below eight times: 8^20 fields in a few hundred bytes. Written by hand, from
    // the end.
    var bytes: [UInt8] = []
    func append<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    func store(_ value: UInt32, _ place: Int) {
      withUnsafeBytes(of: value.littleEndian) { for index in 0..<4 { bytes[place + index] = $0[index] } }
    }
    // The message: its slots, its table (version, kind, header), then the schema's with its vector of one field.
    append(UInt32(0))
    let messageSlots = bytes.count
    for value in [10, 12, 8, 10, 4] as [UInt16] { append(value) }
    let message = bytes.count
    store(UInt32(message), 0)
    append(Int32(message - messageSlots))
    append(UInt32(0))
    append(Int16(4))
    append(UInt8(1))
    append(UInt8(0))
    let schemaSlots = bytes.count
    for value in [8, 8, 0, 4] as [UInt16] { append(value) }
    let schema = bytes.count
    store(UInt32(schema - (message + 4)), message + 4)
    append(Int32(schema - schemaSlots))
    append(UInt32(4))
    append(UInt32(1))
    var references = [bytes.count]
    append(UInt32(0))
    for _ in 0..<20 {
      let slots = bytes.count
      for value in [16, 16, 0, 0, 12, 4, 0, 8] as [UInt16] { append(value) }
      let field = bytes.count
      for reference in references { store(UInt32(field - reference), reference) }
      append(Int32(field - slots))
      // The type, an empty table behind the vector of children; the children; the number of structs.
      append(UInt32(52))
      append(UInt32(8))
      append(UInt32(13))
      append(UInt32(8))
      references = (0..<8).map { bytes.count + 4 * $0 }
      for _ in 0..<8 { append(UInt32(0)) }
      append(UInt16(4))
      append(UInt16(4))
      append(Int32(4))
    }
    // Fields of the type null.
    let slots = bytes.count
    for value in [12, 12, 0, 0, 8, 4] as [UInt16] { append(value) }
    let leaf = bytes.count
    for reference in references { store(UInt32(leaf - reference), reference) }
    append(Int32(leaf - slots))
    append(UInt32(12))
    append(UInt32(1))
    append(UInt16(4))
    append(UInt16(4))
    append(Int32(4))
    let flat = IPCBatches.shared(bytes)
    let failure = try #require(throws: Failure.self) {
      let message = try IPCMessage(flat, options: IPCReadOptions())
      _ = try IPCSchema(flat: message.header, options: IPCReadOptions())
    }
    #expect(failure.message.contains("refer to themselves more than eight times over"), "\(failure.message)")
  }

  @Test("of the versions before 2020 and 2019 is read")
  func olderForms() throws {
    let folder = TemporaryFolder()
    let outcome = TestProcess.python(
      """
      import sys, pyarrow as pa
      batch = pa.record_batch({'a': [1, None, 3], 'b': ['x', 'y', None]})
      for name, options in [('v4', pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)),
                            ('legacy', pa.ipc.IpcWriteOptions(use_legacy_format=True)), ('now', pa.ipc.IpcWriteOptions())]:
          with pa.ipc.new_stream(f'{sys.argv[1]}/{name}', batch.schema, options=options) as writer: writer.write_batch(batch)
          with pa.ipc.new_file(f'{sys.argv[1]}/{name}.file', batch.schema, options=options) as writer: writer.write_batch(batch)
      """, arguments: [folder.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let now = try IPCBatches.read(MappedFile(folder.file("now")).bytes)
    #expect(now[0].length == 3)
    for name in ["v4", "legacy", "v4.file", "legacy.file", "now.file"] {
      #expect(try IPCBatches.read(MappedFile(folder.file(name)).bytes) == now, "\(name)")
      if !name.hasSuffix("file") {
        let content = try #require(folder.read(name))
        #expect(try IPCBatches.read(content) { 3 } == now, "\(name)")
      }
    }
  }
}
