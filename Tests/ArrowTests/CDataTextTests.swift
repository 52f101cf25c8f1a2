import Arrow
import Base
import CVolley
import Testing
import VolleyPlan

@Suite("C data interface: text")
struct CDataTextTests {
  @Test("refuses text that is not UTF-8, wherever it lies, in a sentence that names column and row")
  func invalidText() throws {
    let bad: [UInt8] = [0x61, 0xC3, 0x28]
    let long = Array("twelve bytes".utf8) + bad
    func view(_ bytes: [UInt8]) -> [UInt8] {
      let rest = bytes.count <= 12 ? bytes + [UInt8](repeating: 0, count: 12 - bytes.count) : Array(bytes[..<4])
      return ForeignArray.bytes([Int32(bytes.count)]) + rest + (bytes.count > 12 ? [UInt8](repeating: 0, count: 8) : [])
    }
    func strings(_ maker: ForeignArray, _ validity: UInt8? = nil) -> ArrowArray {
      let offsets = ForeignArray.bytes([0, 2, 5] as [Int32])
      return maker.array(length: 2, nullCount: -1, buffers: [validity.map { [$0] }, offsets, [0x68, 0x69] + bad])
    }
    let items: [(DataType, String, (ForeignArray) -> ArrowArray)] = [
      (.utf8, "'note'", { strings($0) }),
      (
        .largeUtf8, "'note'",
        { $0.array(length: 2, buffers: [nil, ForeignArray.bytes([0, 2, 5] as [Int64]), [0x68, 0x69] + bad]) }
      ),
      (
        .utf8View, "'note'",
        { $0.array(length: 2, buffers: [nil, view([0x68]) + view(bad), ForeignArray.bytes([Int64]())]) }
      ),
      (
        .utf8View, "'note'",
        {
          $0.array(
            length: 2, buffers: [nil, view([0x68]) + view(long), long, ForeignArray.bytes([Int64(long.count)])])
        }
      ),
      (
        .struct([Field("text", .utf8)]), "'note.text'",
        { $0.array(length: 2, buffers: [nil], children: [strings($0)]) }
      ),
      (
        .list(of: .utf8), "'note.item'",
        { $0.array(length: 1, buffers: [nil, ForeignArray.bytes([0, 2] as [Int32])], children: [strings($0)]) }
      ),
      (
        .dictionary(index: .int8, value: .utf8, ordered: false), "'note'",
        {
          var array = $0.array(length: 1, buffers: [nil, [0]])
          array.dictionary = .allocate(capacity: 1)
          array.dictionary.initialize(to: strings($0))
          return array
        }
      ),
    ]
    for (type, name, make) in items {
      let maker = ForeignArray()
      var array = make(maker)
      let dictionary = array.dictionary
      let error = #expect(throws: Failure.self) { try Column.importing(&array, field: Field("note", type)) }
      #expect(error?.kind == .plugin)
      let start = "column \(name) received through the Arrow C data interface holds text that is not UTF-8 in row 1,"
      #expect(error?.message.hasPrefix(start) == true, "\(type): \(error?.message ?? "")")
      dictionary?.pointee.release(dictionary)
      dictionary?.deallocate()
    }
    // Bytes are no text, and what stands in a null row is no value.
    var bytes = strings(ForeignArray())
    #expect(try Column.importing(&bytes, field: Field("a", .binary)).literal(at: 1) == .binary(bad, .binary))
    var hidden = strings(ForeignArray(), 0b01)
    #expect(try Column.importing(&hidden, field: Field("a", .utf8)).literals == [.utf8("hi"), .null(.utf8)])
  }
}
