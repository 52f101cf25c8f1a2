import Base
import VolleyPlan

/// Makes columns of the body of one record batch or dictionary batch, as views of it.
struct BatchDecoder {
  private let nodes: FlatStructs
  private let places: FlatStructs
  private let viewBuffers: FlatStructs
  private let body: SharedBytes
  private let dictionaries: [Int64: Column]
  private let options: IPCReadOptions
  private var decompressor: BodyDecompressor?
  private var node = 0
  private var place = 0
  private var viewColumn = 0
  /// Rows of the batch.
  let length: Int

  /// - Parameters:
  ///   - header: a table `RecordBatch`.
  ///   - dictionaries: the values, by number.
  init(
    _ header: FlatTable, body: SharedBytes, dictionaries: [Int64: Column], coders: IPCCoders, options: IPCReadOptions
  ) throws(Failure) {
    nodes = try header.structs(1, stride: 16)
    places = try header.structs(2, stride: 16)
    viewBuffers = try header.structs(4, stride: 8)
    decompressor = try BodyDecompressor(header.table(3), coders, options: options)
    self.body = body
    self.dictionaries = dictionaries
    self.options = options
    let length = try header.integer(0, default: Int64(0))
    guard length >= 0, length <= ColumnCheck.largestLength else {
      throw Failure(.data, "an Arrow batch has \(length) rows, where 0 to 2^32 - 1 are expected")
    }
    self.length = Int(length)
  }

  /// The columns of the batch: as long as it, checked, and all that the header tells of.
  mutating func columns(_ fields: [Field], _ annotations: [IPCAnnotation]) throws(Failure) -> [Column] {
    let check = ColumnCheck(text: options.checksText, dictionaryValues: false)
    var columns: [Column] = []
    columns.reserveCapacity(fields.count)
    for (field, annotation) in zip(fields, annotations) {
      let column = try column(field, annotation)
      do throws(ColumnFault) {
        guard column.length == length else {
          throw ColumnFault(field.name, "has \(column.length) rows, where its batch has \(length)")
        }
        columns.append(try check.checked(column, field))
      } catch {
        throw error.failure(.data, "of an Arrow batch")
      }
    }
    guard node == nodes.count, place == places.count else {
      throw Failure(
        .data,
        "an Arrow batch has \(nodes.count) arrays in \(places.count) buffers, where its schema has \(node) in \(place)")
    }
    return columns
  }

  private mutating func column(_ field: Field, _ annotation: IPCAnnotation) throws(Failure) -> Column {
    let (length, nulls) = try nextNode(field)
    if field.type.layout == .none {
      return Column(nullsOnly: length)
    }
    let bits = try nextBuffer(field, alignment: 1)
    guard nulls == 0 || bits.byteCount >= Bitmap.byteCount(length) else {
      throw Failure(
        .data,
        "column '\(field.name)' of an Arrow batch has \(nulls) nulls and a validity bitmap of \(bits.byteCount) bytes, where "
          + "its \(length) rows need \(Bitmap.byteCount(length))")
    }
    let validity = nulls == 0 ? nil : bits
    var column = Column(type: field.type, length: length, validity: validity, buffers: [])
    switch field.type.layout {
    case .none: break
    case .bits: column.buffers = [try nextBuffer(field, alignment: 1)]
    case .fixed(let width):
      // Kernels of a width read it in one piece, whatever it means.
      let isNatural = width > 0 && width <= 16 && width & (width - 1) == 0
      column.buffers = [try nextBuffer(field, alignment: isNatural ? width : 1)]
    case .variable32, .variable64:
      column.buffers = [try nextBuffer(field, alignment: 8), try nextBuffer(field, alignment: 1)]
    case .view:
      column.buffers = [try nextBuffer(field, alignment: 8)]
      for _ in 0..<(try nextViewBufferCount(field)) { column.buffers.append(try nextBuffer(field, alignment: 1)) }
    case .list32, .list64: column.buffers = [try nextBuffer(field, alignment: 8)]
    case .fixedList, .record: break
    case .dictionary:
      column.buffers = [try nextBuffer(field, alignment: 8)]
      guard let number = annotation.dictionary, case .dictionary(_, let value, _) = field.type else {
        preconditionFailure("a dictionary that was read has a number")
      }
      // A column of nulls may come before the dictionary does.
      column.children = [dictionaries[number] ?? Column.nulls(value, count: 0)]
      return column
    }
    for (child, annotation) in zip(field.type.childFields, annotation.children) {
      column.children.append(try self.column(child, annotation))
    }
    return column
  }

  private mutating func nextNode(_ field: Field) throws(Failure) -> (length: Int, nulls: Int) {
    guard node < nodes.count else { throw lack("arrays", nodes.count, field) }
    let length: Int64 = nodes.integer(node, 0)
    let nulls: Int64 = nodes.integer(node, 8)
    node += 1
    guard length >= 0, length <= ColumnCheck.largestLength, nulls >= 0, nulls <= length else {
      throw Failure(
        .data,
        "column '\(field.name)' of an Arrow batch has \(length) rows and \(nulls) nulls; at most 2^32 - 1 are possible")
    }
    return (Int(length), Int(nulls))
  }

  private mutating func nextViewBufferCount(_ field: Field) throws(Failure) -> Int {
    guard viewColumn < viewBuffers.count else { throw lack("numbers of view buffers", viewBuffers.count, field) }
    let count: Int64 = viewBuffers.integer(viewColumn, 0)
    viewColumn += 1
    guard count >= 0, count <= places.count - place else {
      throw Failure(
        .data,
        "column '\(field.name)' of an Arrow batch has \(count) buffers of viewed bytes, and \(places.count - place) are left"
      )
    }
    return Int(count)
  }

  private func lack(_ what: String, _ count: Int, _ field: Field) -> Failure {
    Failure(
      .data, "an Arrow batch has \(count) \(what), too few for column '\(field.name)'; it was written to another schema"
    )
  }

  /// The next buffer of the body, decompressed if need be. Lies at a multiple of `alignment`, in a copy if need be.
  private mutating func nextBuffer(_ field: Field, alignment: Int) throws(Failure) -> Buffer {
    guard place < places.count else { throw lack("buffers", places.count, field) }
    let start: Int64 = places.integer(place, 0)
    let byteCount: Int64 = places.integer(place, 8)
    place += 1
    guard start >= 0, byteCount >= 0, start <= body.count, byteCount <= Int64(body.count) - start else {
      throw Failure(
        .data,
        "column '\(field.name)' of an Arrow batch has \(byteCount) bytes from byte \(start) on, of a body of \(body.count)"
      )
    }
    var bytes = body.part(Int(start), Int(byteCount))
    if decompressor != nil, byteCount > 0 {
      do throws(Failure) {
        guard let part = try decompressor?.bytes(bytes) else { return Buffer(byteCount: 0) }
        bytes = part
      } catch {
        throw error.within("column '\(field.name)' of an Arrow batch")
      }
    }
    bytes = bytes.aligned(to: alignment)
    // A buffer of the pool is its own owner.
    if let buffer = bytes.owner as? Buffer, buffer.address == bytes.address, buffer.byteCount == bytes.count {
      return buffer
    }
    return Buffer(foreign: bytes.address, byteCount: bytes.count, owner: bytes.owner)
  }
}
