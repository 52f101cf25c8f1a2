import Arrow
import Base
import CVolley
import Operators
import VolleyPlan

/// Reads the columns of struct arrays that a plugin lends, without taking them over and without memory of its own per call.
final class LentColumns {
  /// No column has so many rows: what a plugin says can be added to others of its kind.
  private static let largestOffset = Int64(UInt32.max)

  private let fields: [Field]
  private let forms: [Form]
  let pointer: UnsafeMutablePointer<LentColumn>

  private enum Form {
    case values
    case bytes
  }

  /// What stands for the values of a column without rows.
  // Never written.
  nonisolated(unsafe) private static let nothing = UnsafeRawPointer(UnsafeMutablePointer<Int64>.allocate(capacity: 2))

  /// - Parameter fields: of types that states have.
  init(_ fields: [Field]) {
    self.fields = fields
    forms = fields.map { if case .variable32 = $0.type.layout { .bytes } else { .values } }
    pointer = .allocate(capacity: max(1, fields.count))
    pointer.initialize(
      repeating: LentColumn(validity: nil, values: Self.nothing, bytes: nil, offset: 0), count: max(1, fields.count))
  }

  deinit { pointer.deallocate() }

  /// Looks at `count` rows of an array.
  ///
  /// - Throws: `plugin` when the array does not have the columns; what stands behind its pointers no receiver can check.
  func read(_ array: UnsafePointer<ArrowArray>?, count: Int) throws(Failure) {
    guard let array else { throw Failure(.plugin, "columns were lent at NULL; lend a struct array") }
    guard array.pointee.n_children == Int64(fields.count), let children = array.pointee.children else {
      throw Failure(
        .plugin,
        "a struct array of \(array.pointee.n_children) columns was lent, and the state has \(fields.count); lend those")
    }
    guard array.pointee.length >= Int64(count), 0...Self.largestOffset ~= array.pointee.offset else {
      throw Failure(
        .plugin,
        "a struct array of \(array.pointee.length) rows from row \(array.pointee.offset) on was lent for \(count) keys; lend a row for "
          + "each")
    }
    for index in fields.indices {
      guard let child = children[index] else { throw refused(index, "is NULL") }
      try read(child, index, skipping: Int(array.pointee.offset), count: count)
    }
  }

  @inline(__always)  // A part of the loop over columns, which for a map's key has one round a row.
  private func read(
    _ child: UnsafePointer<ArrowArray>, _ index: Int, skipping: Int, count: Int
  ) throws(Failure) {
    let bufferCount: Int64 = forms[index] == .bytes ? 3 : 2
    guard child.pointee.n_buffers == bufferCount, let buffers = child.pointee.buffers else {
      throw refused(index, "has \(child.pointee.n_buffers) buffers, and \(fields[index].type) has \(bufferCount)")
    }
    guard 0...Self.largestOffset ~= child.pointee.offset, child.pointee.length >= Int64(skipping + count) else {
      throw refused(index, "has \(child.pointee.length) rows, and \(skipping + count) are needed")
    }
    guard count > 0 else { return }
    guard let values = buffers[1] else { throw refused(index, "has no values") }
    let mayBeNull = child.pointee.null_count != 0
    pointer[index] = LentColumn(
      validity: mayBeNull ? buffers[0] : nil, values: values, bytes: forms[index] == .bytes ? buffers[2] : nil,
      offset: Int(child.pointee.offset) + skipping)
  }

  @inline(never)
  private func refused(_ index: Int, _ problem: String) -> Failure {
    Failure(.plugin, "the lent column '\(fields[index].name)' \(problem); lend it as the plan declares it")
  }
}

/// The struct array through which columns are lent to a plugin. It is made once; each time the same structs are filled in.
final class LendingArray {
  let pointer: UnsafeMutablePointer<ArrowArray>
  private let children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
  private let buffers: UnsafeMutablePointer<UnsafeRawPointer?>
  private let fields: [Field]

  init(_ fields: [Field]) {
    self.fields = fields
    pointer = .allocate(capacity: 1 + fields.count)
    pointer.initialize(repeating: ArrowArray(), count: 1 + fields.count)
    children = .allocate(capacity: max(1, fields.count))
    buffers = .allocate(capacity: 1 + 3 * fields.count)
    buffers.initialize(repeating: nil, count: 1 + 3 * fields.count)
    pointer.pointee.n_buffers = 1
    pointer.pointee.buffers = buffers
    pointer.pointee.n_children = Int64(fields.count)
    pointer.pointee.children = children
    for (index, field) in fields.enumerated() {
      let child = pointer + 1 + index
      (children + index).initialize(to: child)
      if case .variable32 = field.type.layout { child.pointee.n_buffers = 3 } else { child.pointee.n_buffers = 2 }
      child.pointee.buffers = buffers + 1 + 3 * index
    }
  }

  deinit {
    pointer.deallocate()
    children.deallocate()
    buffers.deallocate()
  }

  /// The array with what the columns hold now.
  func lend(_ columns: LendingColumns) -> UnsafePointer<ArrowArray> {
    let rows = Int64(columns.rowCount)
    pointer.pointee.length = rows
    pointer.pointee.null_count = -1
    buffers[0] = UnsafeRawPointer(columns.presence)
    for index in fields.indices {
      let memory = columns.pointers(index)
      let child = pointer + 1 + index
      child.pointee.length = rows
      child.pointee.null_count = -1
      let place = buffers + 1 + 3 * index
      place[0] = memory.validity
      place[1] = memory.values
      place[2] = memory.bytes
    }
    return UnsafePointer(pointer)
  }
}
