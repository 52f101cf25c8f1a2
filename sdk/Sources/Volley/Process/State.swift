import VolleyPlan

/// Marks a property of a keyed process function as something that is kept of each key. Its name is the property's, under which it is
/// kept from one version of the pipeline to the next.
///
///     @State var count = ValueState<Int64>()
///     @State var seen = MapState<String, Timestamp>(timeToLive: .seconds(3600))
@propertyWrapper
public struct State<Content: KeyedState> {
  public let wrappedValue: Content
  public init(wrappedValue: Content) { self.wrappedValue = wrappedValue }
}

/// A kind of state: `ValueState`, `ListState`, `MapState`, `AggregatingState`.
public protocol KeyedState: AnyObject {
  /// What the kinds have in common; not for authors.
  var state: AnyState { get }
}

/// What is declared of a state, and its part in a call.
public class AnyState {
  let kind: Plan.StateKind
  let timeToLive: Duration?
  /// Set when the function is made.
  var name = ""
  var number: UInt32 = 0
  var core: ProcessCore?

  init(_ kind: Plan.StateKind, timeToLive: Duration?) {
    self.kind = kind
    self.timeToLive = timeToLive
  }

  /// The columns of a value.
  func schema() throws(VolleyError) -> [Field] { [] }
  func mapKey() throws(VolleyError) -> Field? { nil }
  /// A call begins: its keys are numbered from 0.
  func begin() throws {}
  /// It has returned: what was changed is written.
  func end() throws {}
  /// It has thrown.
  func forget() {}

  func declaration() throws(VolleyError) -> Plan.State {
    do throws(VolleyError) {
      var ttl: Int64?
      if let timeToLive {
        guard timeToLive > .zero else { throw VolleyError("its time to live is \(timeToLive): give it more than zero") }
        let (seconds, attoseconds) = timeToLive.components
        let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
        ttl = max(1, overflows ? .max : whole.addingReportingOverflow(attoseconds / 1_000_000_000_000).partialValue)
      }
      return Plan.State(name: name, kind: kind, schema: try schema(), mapKey: try mapKey(), timeToLive: ttl)
    } catch {
      throw VolleyError("state '\(name)': \(error.message)")
    }
  }

  /// Where the function is called from.
  var running: ProcessCore {
    guard let core else { outside() }
    return core
  }

  /// The number of the key in hand.
  @usableFromInline
  var keyInHand: UInt32 {
    let key = running.cursor.pointee
    guard key >= 0 else { outside() }
    return UInt32(key)
  }

  @usableFromInline
  func outside() -> Never {
    preconditionFailure("state '\(name)' was used outside of process and onTimer: it belongs to the key in hand")
  }

  /// Keeps a problem where nothing can be thrown: the call fails with it when the author's code returns.
  @usableFromInline
  func note(_ error: any Error) { running.note(error) }
}

/// The `@State`s of a function, found by reflection, in the order of their declarations.
func states(of function: Any) throws(VolleyError) -> [AnyState] {
  var states: [AnyState] = []
  var mirror: Mirror? = Mirror(reflecting: function)
  while let current = mirror {
    var own: [AnyState] = []
    for child in current.children {
      guard let label = child.label else { continue }
      if let wrapper = child.value as? any AnyStateWrapper {
        let state = wrapper.state
        state.name = label.hasPrefix("_") ? String(label.dropFirst()) : label
        own.append(state)
      } else if child.value is any KeyedState {
        throw VolleyError(
          "'\(label)' of \(type(of: function)) is a state without @State: mark it with @State var \(label) = …")
      }
    }
    states = own + states
    mirror = current.superclassMirror
  }
  for (index, state) in states.enumerated() {
    if states[..<index].contains(where: { $0 === state }) {
      throw VolleyError(
        "'\(state.name)' of \(type(of: function)) is the same state as another: give each one of its own")
    }
    state.number = UInt32(index)
  }
  return states
}

private protocol AnyStateWrapper { var state: AnyState { get } }
extension State: AnyStateWrapper { fileprivate var state: AnyState { wrappedValue.state } }
