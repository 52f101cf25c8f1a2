import Arrow
import Base
import Expressions
import VolleyPlan

/// The accumulators of a keyed operator's aggregates, by slot: of all keys, or of the keys of one window.
final class AggregateSet {
  /// What makes an accumulator.
  private enum Maker {
    case builtIn(AggregateSignature)
    case user(any UserAggregate)
    /// A count of different values that shares them with others of the same column, `member` of so many.
    case shared(AggregateSignature, column: String, member: Int, of: Int)
  }

  private static func accumulators(_ makers: [Maker]) -> [any Accumulator] {
    var shared: [String: [any Accumulator]] = [:]
    return makers.map { maker in
      switch maker {
      case .builtIn(let signature): return signature.makeAccumulator()
      case .user(let aggregate): return aggregate.makeAccumulator()
      case .shared(let signature, let column, let member, let count):
        let all = shared[column] ?? signature.makeSharedAccumulators(count)
        shared[column] = all
        return all[member]
      }
    }
  }

  private let makers: [Maker]
  private var accumulators: [any Accumulator]
  /// Slots that the accumulators have memory for: they double it.
  private var capacity = 0

  /// - Parameter input: the schema of the records, by which the arguments are typed.
  convenience init(
    _ calls: [Plan.AggregateCall], input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    var makers: [Maker] = []
    for (index, call) in calls.enumerated() {
      if let user = call.user {
        makers.append(.user(try functions.makeAggregate(user)))
      } else {
        makers.append(try Self.maker(calls, index, input))
      }
    }
    self.init(makers)
  }

  private init(_ makers: [Maker]) {
    self.makers = makers
    accumulators = Self.accumulators(makers)
  }

  private static func maker(_ calls: [Plan.AggregateCall], _ index: Int, _ input: Schema) throws(Failure) -> Maker {
    let call = calls[index]
    let signature = try call.signature(in: input)
    guard signature.function == .countDistinct, case .column(let column)? = call.argument else {
      return .builtIn(signature)
    }
    let sharing = calls.indices.filter { calls[$0].sharesValues(with: call) }
    guard sharing.count > 1, sharing.count <= AggregateSignature.mostSharedCounts,
      let member = sharing.firstIndex(of: index)
    else { return .builtIn(signature) }
    return .shared(signature, column: column, member: member, of: sharing.count)
  }

  /// Accumulators of the same aggregates, without slots. The user's code is opened and closed with the first set.
  func another() -> AggregateSet { AggregateSet(makers) }

  /// Opens the user's code, before the first slot.
  private func open() throws(Failure) {
    var opened: [any UserAggregate] = []
    do throws(Failure) {
      for case .user(let aggregate) in makers {
        try aggregate.open()
        opened.append(aggregate)
      }
    } catch {
      for aggregate in opened { try? aggregate.close() }
      throw error
    }
  }

  /// Closes the user's code, and gives the first failure; there are no calls after it.
  private func close() throws(Failure) {
    var first: Failure?
    for case .user(let aggregate) in makers {
      do throws(Failure) {
        try aggregate.close()
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
  }

  /// Opens an operator's user code: what computes the arguments, and the aggregates. Frees what it took when it throws.
  func open(with arguments: AggregateArguments?) throws(Failure) {
    try arguments?.open()
    do throws(Failure) {
      try open()
    } catch {
      try? arguments?.close()
      throw error
    }
  }

  func close(with arguments: AggregateArguments?) throws(Failure) {
    var first: Failure?
    do throws(Failure) {
      try close()
    } catch {
      first = error
    }
    try arguments?.close()
    if let first { throw first }
  }

  /// How many slots there are: `0..<slotCount`.
  private(set) var slotCount = 0

  func grow(to wanted: Int) throws(Failure) {
    slotCount = max(slotCount, wanted)
    if slotCount > capacity { capacity = max(slotCount, 2 * capacity, 64) }
    for accumulator in accumulators { try accumulator.grow(to: slotCount) }
  }

  /// Takes memory for so many slots, which are about to be made, where all accumulators can: what is held would not tell what a
  /// slot takes otherwise.
  func reserve(_ wanted: Int) throws(Failure) {
    guard wanted > capacity, canReserve else { return }
    for accumulator in accumulators { try accumulator.reserve(wanted) }
    capacity = wanted
  }

  /// Row i goes into slot `slots[i]`.
  func update(_ slots: UnsafePointer<UInt32>, count: Int, inputs: [AggregateInput]) throws(Failure) {
    for (accumulator, input) in zip(accumulators, inputs) {
      try accumulator.update(slots, count: count, input)
    }
  }

  /// The same; gives the aggregates of each row's slot right after that row.
  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, inputs: [AggregateInput]
  ) throws(Failure) -> [Column] {
    var results: [Column] = []
    for (accumulator, input) in zip(accumulators, inputs) {
      results.append(try accumulator.updateRunning(slots, count: count, input))
    }
    return results
  }

  /// Row i of partial aggregates, all aggregates' states side by side, goes into slot `slots[i]`.
  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: ArraySlice<Column>) throws(Failure) {
    var rest = states
    for accumulator in accumulators {
      let own = Array(rest.prefix(accumulator.stateTypes.count))
      rest = rest.dropFirst(own.count)
      try accumulator.merge(slots, count: count, states: own)
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    var results: [Column] = []
    for accumulator in accumulators { results.append(try accumulator.results(slots, count: count)) }
    return results
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    var states: [Column] = []
    for accumulator in accumulators { states += try accumulator.states(slots, count: count) }
    return states
  }

  /// How many columns `states` gives.
  var stateCount: Int { accumulators.reduce(0) { $0 + $1.stateTypes.count } }

  /// Bytes of memory that the accumulators hold.
  var byteCount: Int { accumulators.reduce(0) { $0 + $1.byteCount } }

  /// Bytes that a batch may add at worst, about: a key for each row, states that double, and twice the values
  /// themselves.
  func growth(_ batch: RecordBatch, slotCount: Int) -> Int {
    growth(batch.columns, rowCount: batch.rowCount, slotCount: slotCount)
  }

  /// The same, of columns that the values come from.
  func growth(_ columns: [Column], rowCount: Int, slotCount: Int) -> Int {
    let wanted = slotCount + rowCount
    let values = 2 * columns.reduce(0) { $0 + $1.byteCount }
    guard wanted > capacity else { return values }
    // Before the first batch nothing is known of what a slot takes.
    let perSlot = capacity == 0 ? 32 * accumulators.count : byteCount / capacity + 1
    return values + (max(wanted, 2 * capacity) - capacity) * perSlot
  }

  /// Bytes that `reserve` takes at worst, while it lasts.
  func growth(reserving wanted: Int) -> Int {
    wanted > capacity && capacity > 0 && canReserve ? wanted * (byteCount / capacity + 1) : 0
  }

  private var canReserve: Bool { accumulators.allSatisfy(\.canReserve) }

  /// Makes these slots, each of which comes once, as of no rows again.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    for accumulator in accumulators { accumulator.reset(slots, count: count) }
  }

  /// Forgets all slots, and keeps their memory.
  func removeAll() {
    slotCount = 0
    for accumulator in accumulators { accumulator.removeAll() }
  }

  /// Forgets all slots and gives their memory back when it is more than so many bytes an aggregate.
  func release(above limit: Int) {
    guard byteCount > limit * accumulators.count else { return }
    accumulators = Self.accumulators(makers)
    slotCount = 0
    capacity = 0
  }

  /// The columns that `states` gives, after the keys. Their names cannot collide with a plan's: those are not empty.
  static func stateFields(_ calls: [Plan.AggregateCall], input: Schema) throws(Failure) -> [Field] {
    try stateTypes(calls, input: input).flatMap { $0.map { Field("", $0) } }
  }

  /// The same for people to read: named as the aggregates, and numbered where one has several.
  static func namedStateFields(_ calls: [Plan.AggregateCall], input: Schema) throws(Failure) -> [Field] {
    zip(calls, try stateTypes(calls, input: input)).flatMap { call, types in
      types.enumerated().map { Field(types.count == 1 ? call.name : "\(call.name).\($0)", $1) }
    }
  }

  /// By aggregate: the types of what `states` gives of it.
  private static func stateTypes(_ calls: [Plan.AggregateCall], input: Schema) throws(Failure) -> [[DataType]] {
    var all: [[DataType]] = []
    for (index, call) in calls.enumerated() {
      if let user = call.user {
        all.append(user.accumulator.map(\.type))
        continue
      }
      switch try maker(calls, index, input) {
      case .builtIn(let signature): all.append(signature.makeAccumulator().stateTypes)
      case .shared(let signature, _, let member, let count):
        all.append(signature.makeSharedAccumulators(count)[member].stateTypes)
      case .user: preconditionFailure("the user's aggregates are told apart before")
      }
    }
    return all
  }
}

extension Plan.AggregateCall {
  /// Whether both count the different values of one column.
  fileprivate func sharesValues(with other: Plan.AggregateCall) -> Bool {
    user == nil && function == other.function && argument == other.argument && by == nil
  }
}
