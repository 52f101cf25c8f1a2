import Base
import CVolley
import Operators
import VolleyPlan

/// What stands behind `state.keyed/1` and `timers/1` for one instance. Used by the thread of the instance's call.
final class KeyedAccess {
  /// The columns that cross for one state.
  struct Crossing {
    let values: LentColumns
    let mapKeys: LentColumns
    let lending: LendingArray
    let lendingKeys: LendingArray

    init(_ state: Plan.State) {
      let key = state.mapKey.map { [Field($0.name, $0.type, nullable: false)] } ?? []
      values = LentColumns(state.schema)
      mapKeys = LentColumns(key)
      lending = LendingArray(state.schema)
      lendingKeys = LendingArray(key)
    }
  }

  let declarations: [Plan.State]
  private let crossings: [Crossing]
  /// Nil outside of a call.
  var states: KeyedStates?
  var timers: ProcessTimers?

  init(_ declarations: [Plan.State]) {
    self.declarations = declarations
    crossings = declarations.map { Crossing($0) }
  }

  /// The state of that number in a call.
  @inline(__always)  // Called for each entry of a map that is read.
  func open(_ state: UInt32) throws(Failure) -> (KeyedStates, Int, Crossing) {
    guard let states else {
      throw Failure(.plugin, "state was asked for outside 'process' and 'timers'; ask for it only inside them")
    }
    guard Int(state) < crossings.count else {
      throw Failure(
        .plugin,
        "the state \(state) was asked for, and the plan declares \(crossings.count); name states by their places in its list"
      )
    }
    return (states, Int(state), crossings[Int(state)])
  }

  func openTimers() throws(Failure) -> ProcessTimers {
    guard let timers else {
      throw Failure(.plugin, "a timer was set or removed outside 'process' and 'timers'; do it only inside them")
    }
    return timers
  }

  /// `keys` of a call that may have none.
  static func keys(
    _ keys: UnsafePointer<UInt32>?, _ count: UInt64
  ) throws(Failure) -> (UnsafePointer<UInt32>, Int) {
    let count = try self.count(count)
    guard let keys else {
      guard count == 0 else { throw Failure(.plugin, "\(count) keys were named at NULL; give their numbers") }
      return (nobody, 0)
    }
    return (keys, count)
  }

  static func count(_ count: UInt64) throws(Failure) -> Int {
    guard count <= UInt64(Int32.max) else {
      throw Failure(.plugin, "\(count) rows were named in one call, and at most \(Int32.max) can be; use several calls")
    }
    return Int(count)
  }

  // Never written.
  nonisolated(unsafe) private static let nobody = UnsafePointer(UnsafeMutablePointer<UInt32>.allocate(capacity: 1))
}
