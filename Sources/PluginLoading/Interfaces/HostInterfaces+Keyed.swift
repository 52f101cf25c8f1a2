import Base
import CVolley
import Operators

// `state.keyed/1` and `timers/1`.
extension HostInterfaces {
  typealias Host = UnsafePointer<volley_host>?
  typealias Keys = UnsafePointer<UInt32>?
  typealias Lent = UnsafePointer<ArrowArray>?
  typealias Problem = UnsafeMutablePointer<volley_error>?

  /// Runs a call of the plugin's on the instance's access, on the thread of the instance's call.
  @inline(__always)  // Specialises the caller for its body; the whole of it has 100 ns for an entry of a map.
  private static func serve(
    _ host: Host, _ problem: Problem, _ body: (KeyedAccess) throws(Failure) -> Void
  ) -> Int32 {
    guard let context = InstanceContext.of(host) else { return VOLLEY_FAILED }
    do throws(Failure) {
      try CallSite.outsidePlugins { () throws(Failure) in try body(try context.keyedAccess()) }
      return VOLLEY_OK
    } catch {
      let failure = error.within(context.label)
      context.remember(failure)
      return report(failure, to: problem)
    }
  }

  static var keyedState: volley_keyed_state {
    volley_keyed_state(
      header: .of(volley_keyed_state.self), read: read, write: write, clear: clear, list_read: listRead,
      list_append: listAppend, map_get_many: mapGetMany, map_put: mapPut, map_remove: mapRemove, map_page: mapPage)
  }

  static var timers: volley_timers {
    volley_timers(header: .of(volley_timers.self), set: set, remove: remove)
  }

  // MARK: Values

  private static let read: @convention(c) (Host, UInt32, Keys, UInt64, UnsafeMutablePointer<Lent>?, Problem) -> Int32 =
    {
      host, state, keys, count, values, problem in
      serve(host, problem) { access throws(Failure) in
        let (states, index, crossing) = try access.open(state)
        let columns = try states.readValues(index, keys, count: try KeyedAccess.count(count))
        values?.pointee = crossing.lending.lend(columns)
      }
    }

  private static let write: @convention(c) (Host, UInt32, Keys, UInt64, Lent, Problem) -> Int32 = {
    host, state, keys, count, values, problem in
    serve(host, problem) { access throws(Failure) in
      let (states, index, crossing) = try access.open(state)
      let (keys, count) = try KeyedAccess.keys(keys, count)
      try crossing.values.read(values, count: count)
      try states.writeValues(index, keys, count: count, crossing.values.pointer)
    }
  }

  private static let clear: @convention(c) (Host, UInt32, Keys, UInt64, Problem) -> Int32 = {
    host, state, keys, count, problem in
    serve(host, problem) { access throws(Failure) in
      let (states, index, _) = try access.open(state)
      let (keys, count) = try KeyedAccess.keys(keys, count)
      try states.clear(index, keys, count: count)
    }
  }

  // MARK: Lists

  private static let listRead:
    @convention(c) (Host, UInt32, UInt32, UInt64, UInt64, UnsafeMutablePointer<Lent>?, Problem) -> Int32 = {
      host, state, key, first, limit, items, problem in
      serve(host, problem) { access throws(Failure) in
        let (states, index, crossing) = try access.open(state)
        items?.pointee = crossing.lending.lend(try states.readItems(index, key, first: first, limit: limit))
      }
    }

  private static let listAppend: @convention(c) (Host, UInt32, Keys, UInt64, Lent, Problem) -> Int32 = {
    host, state, keys, count, items, problem in
    serve(host, problem) { access throws(Failure) in
      let (states, index, crossing) = try access.open(state)
      let (keys, count) = try KeyedAccess.keys(keys, count)
      try crossing.values.read(items, count: count)
      try states.appendItems(index, keys, count: count, crossing.values.pointer)
    }
  }

  // MARK: Maps

  private static let mapGetMany:
    @convention(c) (Host, UInt32, Keys, UInt64, Lent, UnsafeMutablePointer<Lent>?, Problem) -> Int32 = {
      host, state, keys, count, mapKeys, values, problem in
      serve(host, problem) { access throws(Failure) in
        let (states, index, crossing) = try access.open(state)
        let (keys, count) = try KeyedAccess.keys(keys, count)
        try crossing.mapKeys.read(mapKeys, count: count)
        let columns = try states.readEntries(index, keys, count: count, crossing.mapKeys.pointer.pointee)
        values?.pointee = crossing.lending.lend(columns)
      }
    }

  private static let mapPut: @convention(c) (Host, UInt32, Keys, UInt64, Lent, Lent, Problem) -> Int32 = {
    host, state, keys, count, mapKeys, values, problem in
    serve(host, problem) { access throws(Failure) in
      let (states, index, crossing) = try access.open(state)
      let (keys, count) = try KeyedAccess.keys(keys, count)
      try crossing.mapKeys.read(mapKeys, count: count)
      try crossing.values.read(values, count: count)
      try states.putEntries(
        index, keys, count: count, crossing.mapKeys.pointer.pointee, crossing.values.pointer)
    }
  }

  private static let mapRemove: @convention(c) (Host, UInt32, Keys, UInt64, Lent, Problem) -> Int32 = {
    host, state, keys, count, mapKeys, problem in
    serve(host, problem) { access throws(Failure) in
      let (states, index, crossing) = try access.open(state)
      let (keys, count) = try KeyedAccess.keys(keys, count)
      try crossing.mapKeys.read(mapKeys, count: count)
      try states.removeEntries(index, keys, count: count, crossing.mapKeys.pointer.pointee)
    }
  }

  private static let mapPage:
    @convention(c) (
      Host, UInt32, UInt32, UInt64, UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<Lent>?,
      UnsafeMutablePointer<Lent>?, Problem
    ) -> Int32 = { host, state, key, limit, cursor, mapKeys, values, problem in
      serve(host, problem) { access throws(Failure) in
        let (states, index, crossing) = try access.open(state)
        guard let cursor else { throw Failure(.plugin, "a page was asked for without a cursor; point to one") }
        let page = try states.page(index, key, limit: limit, cursor: &cursor.pointee)
        mapKeys?.pointee = crossing.lendingKeys.lend(page.keys)
        values?.pointee = crossing.lending.lend(page.values)
      }
    }

  // MARK: Timers

  private static let set: @convention(c) (Host, UInt32, Keys, UnsafePointer<Int64>?, UInt64, Problem) -> Int32 = {
    change(host: $0, clock: $1, keys: $2, times: $3, count: $4, isRemoval: false, problem: $5)
  }

  private static let remove: @convention(c) (Host, UInt32, Keys, UnsafePointer<Int64>?, UInt64, Problem) -> Int32 = {
    change(host: $0, clock: $1, keys: $2, times: $3, count: $4, isRemoval: true, problem: $5)
  }

  private static func change(
    host: Host, clock: UInt32, keys: Keys, times: UnsafePointer<Int64>?, count: UInt64, isRemoval: Bool,
    problem: Problem
  ) -> Int32 {
    serve(host, problem) { access throws(Failure) in
      let timers = try access.openTimers()
      let (keys, count) = try KeyedAccess.keys(keys, count)
      guard let times else {
        if count == 0 { return }
        throw Failure(.plugin, "\(count) timers were named at NULL; give their times")
      }
      switch clock {
      case VOLLEY_CLOCK_EVENT: try timers.change(.event, isRemoval: isRemoval, keys, times, count: count)
      case VOLLEY_CLOCK_PROCESSING: try timers.change(.processing, isRemoval: isRemoval, keys, times, count: count)
      default:
        throw Failure(
          .plugin,
          "the clock \(clock) was named, expected \(VOLLEY_CLOCK_EVENT) or \(VOLLEY_CLOCK_PROCESSING); correct it")
      }
    }
  }
}
