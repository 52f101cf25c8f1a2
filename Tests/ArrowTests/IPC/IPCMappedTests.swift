import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@Suite("Arrow IPC from a mapped file")
struct IPCMappedTests {
  private static func buffers(_ column: Column) -> [Buffer] {
    column.buffers + (column.validity.map { [$0] } ?? []) + column.children.flatMap(buffers)
  }

  @Test("is read without a copy: all buffers lie in the mapping")
  func zeroCopy() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let batch = IPCBatches.random(1000, nulls: 3, &generator)
    for (name, content) in [
      ("file", try IPCBatches.file(IPCSchema(batch.schema.fields), [batch])),
      ("stream", try IPCBatches.stream(IPCSchema(batch.schema.fields), [batch])),
    ] {
      let bytes = try MappedFile(folder.write(name, content)).bytes
      let mapping = bytes.address..<(bytes.address + bytes.count)
      var buffers = 0
      for (column, field) in zip(try IPCBatches.read(bytes)[0].columns, batch.schema.fields) where field.type != .null {
        for buffer in Self.buffers(column) where buffer.byteCount > 0 {
          #expect(
            mapping.contains(buffer.address) && buffer.address + buffer.byteCount <= mapping.upperBound, "\(field)")
          buffers += 1
        }
      }
      #expect(buffers > 90)
    }
  }

  @Test("stays mapped as long as a column of it is there")
  func lifetime() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let batch = IPCBatches.random(100, nulls: 3, &generator)
    let path = folder.write("file", try IPCBatches.file(IPCSchema(batch.schema.fields), [batch]))
    weak var mapping: MappedFile?
    var columns: [Column] = []
    do {
      let file = try MappedFile(path)
      mapping = file
      columns = try IPCBatches.read(file.bytes)[0].columns
    }
    #expect(mapping != nil)
    for (column, original) in zip(columns, batch.columns) { #expect(column == original, "\(generator)") }
    columns = Array(columns.prefix(1))
    withExtendedLifetime(columns) { #expect(mapping != nil) }
    columns = []
    #expect(mapping == nil)
  }

  @Test("is copied where it does not lie as its type needs")
  func misaligned() throws {
    var generator = SeededGenerator()
    let batch = IPCBatches.random(100, nulls: 3, &generator)
    let content = try IPCBatches.stream(IPCSchema(batch.schema.fields), [batch])
    for shift in 0..<17 {
      let memory = Buffer(byteCount: content.count + shift)
      content.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(start: memory.unsafeMutableAddress + shift, count: content.count).copyMemory(
          from: $0)
      }
      let bytes = SharedBytes(memory.address + shift, count: content.count, owner: memory)
      let read = try IPCBatches.read(bytes)
      #expect(read == [batch], "\(shift) \(generator)")
      for (column, field) in zip(read[0].columns, batch.schema.fields) {
        guard case .fixed(let width) = field.type.layout, [2, 4, 8, 16].contains(width) else { continue }
        #expect(Int(bitPattern: column.buffers[0].address) % width == 0)
      }
    }
  }

  @Test("is refused with the path when it is not there, no file, or empty")
  func refusals() throws {
    let folder = TemporaryFolder()
    func message(_ path: String) -> String {
      do throws(Failure) {
        _ = try IPCBatches.read(MappedFile(path).bytes)
        return "it was read"
      } catch {
        return error.message
      }
    }
    #expect(message(folder.file("no")) == "cannot open '\(folder.file("no"))': No such file or directory")
    #expect(message(folder.path).hasSuffix("it is no regular file; read it as a stream"))
    #expect(message(folder.write("empty", "")) == "the Arrow stream ends before its schema; it was cut off")
  }
}
