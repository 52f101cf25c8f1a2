import CVolley
import VolleyPlan

/// What the states, timers and outputs of one function's instance share in a call.
final class ProcessCore {
  let context: TaskContext
  let rows: RowOutput
  let stateTable: UnsafePointer<volley_keyed_state>
  private let timersTable: UnsafePointer<volley_timers>

  /// The key of the row or timer in hand; -1 outside of a call.
  let cursor: UnsafeMutablePointer<Int>
  /// The row or timer in hand.
  var row = 0
  var keyCount = 0
  var times: UnsafePointer<Int64>?
  var watermark = Int64.min
  var processingTime: Int64 = 0
  /// What the host refused where nothing can be thrown; thrown when the author's code returns.
  private(set) var problem: (any Error)?

  /// Room for the error of calls of one entry, which are too many to make it each time.
  let error: UnsafeMutablePointer<volley_error>
  private let message: UnsafeMutablePointer<CChar>
  private static let messageCapacity = 4096

  private var timerKeys: ContiguousArray<UInt32> = []
  private var timerTimes: ContiguousArray<Int64> = []
  private var timerRuns: [(clock: UInt32, removes: Bool, count: Int)] = []

  init(_ context: TaskContext, sideOutputs: [String]) throws(VolleyError) {
    self.context = context
    rows = RowOutput(context, sideOutputs: sideOutputs)
    guard let states: UnsafePointer<volley_keyed_state> = context.interface(VOLLEY_INTERFACE_KEYED_STATE),
      volley_keyed_state_has_map_page(states) != 0,
      let timers: UnsafePointer<volley_timers> = context.interface(VOLLEY_INTERFACE_TIMERS),
      volley_timers_has_remove(timers) != 0
    else {
      throw VolleyError(
        "this host lacks the interfaces state.keyed/1 and timers/1, which a keyed process function needs: use a newer host"
      )
    }
    stateTable = states
    timersTable = timers
    cursor = .allocate(capacity: 1)
    cursor.initialize(to: -1)
    message = .allocate(capacity: Self.messageCapacity)
    error = .allocate(capacity: 1)
    error.initialize(to: volley_error())
    error.pointee.header = Tables.header(volley_error.self)
    error.pointee.message = message
    error.pointee.message_capacity = UInt32(Self.messageCapacity)
  }

  deinit {
    cursor.deallocate()
    message.deallocate()
    error.deallocate()
  }

  /// What the host wrote to `error`.
  var refusal: VolleyError { VolleyError(refusedWith: error.pointee, message) }

  /// Keeps the first problem.
  func note(_ error: any Error) { if problem == nil { problem = error } }

  func begin(_ call: volley_keyed_call) {
    keyCount = Int(call.key_count)
    times = call.times
    watermark = call.watermark
    processingTime = call.processing_time
    problem = nil
  }

  func checkProblem() throws {
    if let problem { throw problem }
  }

  /// The author's code has returned for all rows: timers and rows go to the host.
  func end() throws {
    try checkProblem()
    var start = 0
    for run in timerRuns {
      try timerKeys.withUnsafeBufferPointer { keys throws(VolleyError) in
        try timerTimes.withUnsafeBufferPointer { times throws(VolleyError) in
          guard let keys = keys.baseAddress, let times = times.baseAddress else { return }
          let call = run.removes ? timersTable.pointee.remove : timersTable.pointee.set
          try callHost { error in
            call?(context.host, run.clock, keys + start, times + start, UInt64(run.count), error) ?? VOLLEY_FAILED
          }
        }
      }
      start += run.count
    }
    try rows.flush()
    forget()
  }

  /// Forgets what the call in progress wants; its rows as well.
  func forget() {
    timerKeys.removeAll(keepingCapacity: true)
    timerTimes.removeAll(keepingCapacity: true)
    timerRuns.removeAll(keepingCapacity: true)
    cursor.pointee = -1
    times = nil
  }

  func changeTimer(_ clock: UInt32, removes: Bool, _ time: Timestamp) {
    guard cursor.pointee >= 0 else {
      preconditionFailure("a timer was set or removed outside of process and onTimer: it belongs to the key in hand")
    }
    timerKeys.append(UInt32(cursor.pointee))
    timerTimes.append(time.microseconds)
    if let last = timerRuns.last, last.clock == clock, last.removes == removes {
      timerRuns[timerRuns.count - 1].count += 1
    } else {
      timerRuns.append((clock, removes, 1))
    }
  }

  func emit<Row: RowValue>(_ row: Row, output index: Int) throws { try rows.emit(row, output: index) }
}

/// Columns that are lent to the host, in memory that is used again and again.
final class Lender {
  let columns: [OutputColumn]
  private let array: UnsafeMutablePointer<ArrowArray>
  private let children: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
  private let buffers: UnsafeMutablePointer<UnsafeRawPointer?>

  /// - Parameter fields: of types that are built value by value.
  init(_ fields: [Field], capacity: Int = 64) {
    columns = fields.map { field in
      guard let storage = ColumnStorage(field.type) else {
        preconditionFailure("a state's columns are built value by value")
      }
      return OutputColumn(field.type, storage, capacity: capacity)
    }
    array = .allocate(capacity: 1 + fields.count)
    array.initialize(repeating: ArrowArray(), count: 1 + fields.count)
    children = .allocate(capacity: max(1, fields.count))
    buffers = .allocate(capacity: 1 + 3 * fields.count)
    buffers.initialize(repeating: nil, count: 1 + 3 * fields.count)
    array.pointee.n_buffers = 1
    array.pointee.buffers = buffers
    array.pointee.n_children = Int64(fields.count)
    array.pointee.children = children
    for (index, column) in columns.enumerated() {
      let child = array + 1 + index
      (children + index).initialize(to: child)
      child.pointee.n_buffers = Int64(column.storage.bufferCount)
      child.pointee.buffers = buffers + 1 + 3 * index
    }
  }

  deinit {
    array.deallocate()
    children.deallocate()
    buffers.deallocate()
  }

  /// Empty columns, to be written.
  func begin() -> [OutputColumn] {
    for column in columns { column.restart() }
    return columns
  }

  /// The rows that were written, until the next `begin`.
  func lend() throws(VolleyError) -> UnsafePointer<ArrowArray> {
    for (index, column) in columns.enumerated() {
      let memory = try column.lent()
      let child = array + 1 + index
      child.pointee.length = Int64(column.count)
      child.pointee.null_count = Int64(column.nullCount)
      let place = buffers + 1 + 3 * index
      place[0] = memory.validity
      place[1] = memory.values
      place[2] = memory.text
      array.pointee.length = Int64(column.count)
    }
    return UnsafePointer(array)
  }
}

/// Reads what the host lends.
struct LentRows {
  private let fields: [Field]
  private(set) var columns: [InputColumn] = []
  private var presence = Validity(bits: nil, offset: 0)
  private(set) var count = 0

  init(_ fields: [Field]) { self.fields = fields }

  mutating func use(_ array: UnsafePointer<ArrowArray>?) throws(VolleyError) {
    guard let array, array.pointee.n_children == Int64(fields.count) else {
      throw VolleyError("the host lent a state without its columns", domain: .internal)
    }
    count = Int(array.pointee.length)
    presence = Validity(
      bits: array.pointee.buffers?[0]?.assumingMemoryBound(to: UInt8.self), offset: Int(array.pointee.offset))
    for index in fields.indices {
      guard let child = array.pointee.children[index] else {
        throw VolleyError("the host lent a state without its column '\(fields[index].name)'", domain: .internal)
      }
      let column = try InputColumn(child.pointee, in: array.pointee, field: fields[index])
      if index < columns.count { columns[index] = column } else { columns.append(column) }
    }
  }

  func isPresent(_ row: Int) -> Bool { presence[row] }
}
