import Base
import VolleyPlan

/// What a writer has told of each dictionary, and so what it has to tell before the next batch.
struct DictionaryTracker {
  struct Change {
    /// In the order of the schema's fields, each before those within its values.
    var number: Int
    /// Whether these are further values rather than all of them.
    var isDelta: Bool
    var values: Column
  }

  private var known: [Column?] = []
  private let allowsReplacement: Bool

  /// - Parameter allowsReplacement: whether a dictionary may be told anew; a file may not.
  init(allowsReplacement: Bool) { self.allowsReplacement = allowsReplacement }

  /// What has changed since the last batch, those within the values of others first.
  mutating func changes(_ batch: RecordBatch) throws(Failure) -> [Change] {
    var changes: [Change] = []
    var next = 0
    let before = known
    do throws(Failure) {
      for (column, field) in zip(batch.columns, batch.schema.fields) {
        _ = try visit(column, field.name, &next, &changes)
      }
    } catch {
      // Nothing of the batch will be written.
      known = before
      throw error
    }
    return changes
  }

  /// - Returns: whether a dictionary was told anew, so that what refers to it no longer holds.
  private mutating func visit(
    _ column: Column, _ name: String, _ next: inout Int, _ changes: inout [Change]
  ) throws(Failure) -> Bool {
    guard column.type.isDictionary else {
      var isReplaced = false
      for child in column.children where try visit(child, name, &next, &changes) { isReplaced = true }
      return isReplaced
    }
    let number = next
    next += 1
    if known.count <= number { known += Array(repeating: nil, count: number + 1 - known.count) }
    let values = column.children[0]
    let innerIsReplaced = try visit(values, name, &next, &changes)
    guard let former = known[number] else {
      known[number] = values
      changes.append(Change(number: number, isDelta: false, values: values))
      return false
    }
    if !innerIsReplaced {
      if former.isSameMemory(as: values) { return false }
      // Indices into the first of the known values are indices into all of them.
      if values.length < former.length, former.slice(0..<values.length) == values { return false }
      if values.length >= former.length, values.slice(0..<former.length) == former {
        if values.length == former.length {
          known[number] = values
          return false
        }
        // Further values whose own values are in a dictionary are more than pyarrow reads.
        if !values.type.holdsDictionary {
          known[number] = values
          changes.append(Change(number: number, isDelta: true, values: values.slice(former.length..<values.length)))
          return false
        }
      }
    }
    guard allowsReplacement else {
      throw Failure(
        .data,
        "the dictionary of column '\(name)' has other values than in the batches before, and an Arrow file holds each "
          + "dictionary once; cast the column to \(values.type), or write a stream")
    }
    known[number] = values
    changes.append(Change(number: number, isDelta: false, values: values))
    return true
  }
}

extension DataType {
  /// Whether there is a dictionary here or below.
  fileprivate var holdsDictionary: Bool { isDictionary || childFields.contains { $0.type.holdsDictionary } }
}

extension Column {
  /// Whether both are the same rows of the same buffers.
  fileprivate func isSameMemory(as other: Column) -> Bool {
    offset == other.offset && length == other.length && validity === other.validity
      && buffers.count == other.buffers.count && zip(buffers, other.buffers).allSatisfy { $0 === $1 }
      && children.count == other.children.count
      && zip(children, other.children).allSatisfy { $0.isSameMemory(as: $1) }
  }
}
