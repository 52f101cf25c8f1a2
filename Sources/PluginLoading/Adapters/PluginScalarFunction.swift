import Arrow
import Base
import CVolley
import Expressions
import VolleyPlan

/// A plugin's scalar function, called once per batch.
final class PluginScalarFunction: ScalarFunction {
  private let instance: PluginInstance
  private let slot:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutablePointer<ArrowArray>?, UnsafeMutablePointer<ArrowArray>?,
      UnsafeMutablePointer<volley_error>?
    ) -> Int32
  private let site: CallSite
  private let arguments: Schema
  private let result: Field
  /// The structs that travel: what goes in, what comes out.
  private let structs: UnsafeMutablePointer<ArrowArray>

  /// - Parameter instance: made for one input, the arguments, and one output, the result.
  init(_ instance: PluginInstance, arguments: Schema, result: Field) throws(Failure) {
    self.instance = instance
    self.arguments = arguments
    self.result = result
    let table = try instance.table(
      volley_scalar_function.self, .scalarFunction, open: (\.open, volley_scalar_function_has_open),
      close: (\.close, volley_scalar_function_has_close), destroy: (\.destroy, volley_scalar_function_has_destroy))
    try table.require(\.call, "call", volley_scalar_function_has_call)
    slot = table.pointer.pointee.call
    site = instance.site("call")
    structs = .allocate(capacity: 2)
    structs.initialize(repeating: ArrowArray(), count: 2)
  }

  deinit { structs.deallocate() }

  func open() throws(Failure) { try instance.open() }

  func call(_ arguments: [Column], rowCount: Int) throws(Failure) -> Column {
    let (given, taken) = (structs, structs + 1)
    taken.pointee = ArrowArray()
    instance.context.give(RecordBatch(schema: self.arguments, columns: arguments, length: rowCount), in: given)
    instance.error.reset()
    let (slot, pointer, error) = (slot, instance.selfPointer, instance.error.pointer)
    let status = site.run { slot(pointer, given, taken, error) }
    ArrayLedger.takeBack(given)
    do throws(Failure) {
      try instance.finish(status, "call")
      return try result(taken, rowCount)
    } catch {
      instance.context.arrays.drop(taken)
      throw error
    }
  }

  private func result(_ array: UnsafeMutablePointer<ArrowArray>, _ rowCount: Int) throws(Failure) -> Column {
    let label = instance.context.label
    guard array.pointee.release != nil else {
      throw Failure(.plugin, "\(label) returned OK from 'call' without a result; move an array to 'result'")
    }
    guard array.pointee.length == rowCount else {
      throw Failure(
        .plugin,
        "\(label) returned \(array.pointee.length) rows from 'call' for \(rowCount) rows of arguments; return one a row"
      )
    }
    return try instance.context.arrays.take(array, field: result) {
      "\(label) returned from 'call'"
    }
  }

  func close() throws(Failure) { try instance.close() }
}
