import Arrow
import Base
import VolleyPlan

/// The loops of casts from one fixed width to another.
enum CheckedCast {
  /// Each value as another.
  @inline(__always)  // So that the closure is part of the loop.
  static func mapped<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ column: Column, _ target: DataType, _ convert: (Source) -> Target
  ) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Target>.size)
    let (values, source) = (buffer.unsafeMutableValues(Target.self), column.values(Source.self))
    for row in 0..<column.length { values[row] = convert(source[row]) }
    return column.replacing(values: buffer, type: target)
  }

  /// Each value as another, with whether it fits. What a null row holds is converted as well and never fails.
  @inline(__always)  // So that the closure is part of both loops.
  static func checked<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ column: Column, _ target: DataType, _ policy: FailurePolicy,
    failure: (Int) -> Failure, _ convert: (Source) -> (value: Target, fits: Bool)
  ) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Target>.size)
    let (values, source) = (buffer.unsafeMutableValues(Target.self), column.values(Source.self))
    var failed = 0
    for row in 0..<column.length {
      let (value, fits) = convert(source[row])
      values[row] = value
      failed |= fits ? 0 : 1
    }
    var result = column.replacing(values: buffer, type: target)
    if failed != 0 {
      result.validity = try policy.settle(result.validity, count: column.length) { row in
        convert(source[row]).fits
      } failure: {
        failure($0)
      }
    }
    return result
  }

  /// As above, with the usual sentence.
  @inline(__always)  // As above.
  static func checked<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ column: Column, _ target: DataType, _ policy: FailurePolicy,
    _ convert: (Source) -> (value: Target, fits: Bool)
  ) throws(Failure) -> Column {
    try checked(column, target, policy, failure: { CastFailure.doesNotFit(column.text(at: $0), target) }, convert)
  }
}

extension Column {
  /// Other values for the same rows: the nulls stay.
  func replacing(values: Buffer, type: DataType) -> Column {
    Column(type: type, length: length, validity: commonValidity([self], count: length), buffers: [values])
  }

  /// The same memory under another type of the same layout.
  func relabelled(_ type: DataType) -> Column {
    var column = self
    column.type = type
    return column
  }
}

/// The sentences for values that cannot be cast.
enum CastFailure {
  static func doesNotFit(_ value: String, _ target: DataType) -> Failure {
    Failure(.data, "cast: \(value) does not fit \(target); keep such rows out with a filter or a case")
  }

  static func losesDigits(_ value: String, _ target: DataType) -> Failure {
    Failure(
      .data,
      "cast: \(value) does not fit \(target) without loss; round it first, or keep such rows out with a filter or a case"
    )
  }

  /// - Parameter form: what a text of that type looks like.
  static func unreadable(_ text: UnsafeBufferPointer<UInt8>, _ target: DataType, form: String) -> Failure {
    Failure(
      .data,
      "cast: \(quotedText(text)) is no \(target), which is written as \(form); "
        + "correct such rows or keep them out with a filter or a case")
  }
}
