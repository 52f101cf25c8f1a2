import CVolley
import VolleyPlan

/// A watermark assigner as the host calls it, whatever its type.
class AnyWatermarkInstance: AnyInstance {
  func assign(_ call: UnsafeMutablePointer<volley_watermark_call>) throws {}
  func advance(_ split: UInt64, _ now: Int64, _ watermark: UnsafeMutablePointer<Int64>) throws {}
  func endSplit(_ split: UInt64) {}
}

final class WatermarkInstance<Function: WatermarkAssigner>: AnyWatermarkInstance {
  private let make: @Sendable () throws -> Function
  private var functions: [UInt64: Function] = [:]
  private let rows: RowReader<Function.In>
  /// What `close` of a split threw, which has nobody to tell at once.
  private var problem: (any Error)?

  init(_ context: TaskContext, _ make: @escaping @Sendable () throws -> Function) throws {
    self.make = make
    rows = try RowReader(schema: context.inputs.first ?? Schema([]))
    super.init(context)
  }

  override func close() throws {
    for function in functions.values { close(function) }
    functions = [:]
    if let problem { throw problem }
  }

  private func close(_ function: Function) {
    do {
      try function.close()
    } catch {
      if problem == nil { problem = error }
    }
  }

  private func function(_ split: UInt64) throws -> Function {
    if let function = functions[split] { return function }
    let function = try make()
    try function.open(context)
    functions[split] = function
    return function
  }

  override func assign(_ call: UnsafeMutablePointer<volley_watermark_call>) throws {
    guard let array = call.pointee.rows, let times = call.pointee.times else {
      throw VolleyError("the host gave no rows, or no room for their times", domain: .internal)
    }
    if let problem { throw problem }
    let batch = try Batch(moving: array, schema: context.inputs[0])
    let function = try function(call.pointee.split)
    var watermark = Int64.min
    var row = 0
    try rows.forEach(batch) { value in
      if let time = try function.eventTime(of: value) {
        times[row] = time.microseconds
        if let said = try function.watermark(after: value, at: time) { watermark = max(watermark, said.microseconds) }
      } else {
        times[row] = .min
      }
      row += 1
    }
    call.pointee.watermark = watermark
  }

  override func advance(_ split: UInt64, _ now: Int64, _ watermark: UnsafeMutablePointer<Int64>) throws {
    if let problem { throw problem }
    let said = try function(split).watermark(now: Timestamp(microseconds: now))
    watermark.pointee = said?.microseconds ?? .min
  }

  override func endSplit(_ split: UInt64) { functions.removeValue(forKey: split).map { close($0) } }
}

extension Tables {
  // Written once, before anybody reads.
  nonisolated(unsafe) static let watermarkAssigner = permanent(
    volley_watermark_assigner(
      header: header(volley_watermark_assigner.self), open: open, close: close, destroy: destroy,
      assign: { pointer, call, error in
        serve(context(pointer), error) {
          guard let call else { throw VolleyError("a call without its struct", domain: .internal) }
          try instance(pointer, as: AnyWatermarkInstance.self).assign(call)
        }
      },
      advance: { pointer, split, now, watermark, error in
        serve(context(pointer), error) {
          guard let watermark else { throw VolleyError("a call without room for the watermark", domain: .internal) }
          try instance(pointer, as: AnyWatermarkInstance.self).advance(split, now, watermark)
        }
      },
      end_split: { pointer, split in
        (try? instance(pointer, as: AnyWatermarkInstance.self))?.endSplit(split)
      }))
}
