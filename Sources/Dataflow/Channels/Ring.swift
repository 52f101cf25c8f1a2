/// A queue in one block of memory that grows by doubling.
public struct Ring<Element> {
  @usableFromInline var slots: [Element?] = []
  @usableFromInline var first = 0
  @usableFromInline var used = 0

  @inlinable
  public init() {}

  @inlinable
  public var count: Int { used }

  @inlinable
  public var isEmpty: Bool { used == 0 }

  @inlinable
  public mutating func append(_ element: Element) {
    if used == slots.count { grow() }
    slots[(first + used) & (slots.count - 1)] = element
    used += 1
  }

  @inlinable
  public mutating func popFirst() -> Element? {
    guard used > 0 else { return nil }
    let element = slots[first].take()
    first = (first + 1) & (slots.count - 1)
    used -= 1
    return element
  }

  /// The oldest element.
  @inlinable
  public var peek: Element? { used == 0 ? nil : slots[first] }

  /// The youngest element.
  @inlinable
  public var last: Element? { used == 0 ? nil : slots[(first + used - 1) & (slots.count - 1)] }

  /// By age: 0 is the oldest.
  @inlinable
  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < used, "an element that is there")
      guard let element = slots[(first + index) & (slots.count - 1)] else { preconditionFailure("it is there") }
      return element
    }
    set {
      precondition(index >= 0 && index < used, "an element that is there")
      slots[(first + index) & (slots.count - 1)] = newValue
    }
  }

  @usableFromInline
  mutating func grow() {
    var larger: [Element?] = []
    larger.reserveCapacity(max(4, slots.count * 2))
    for index in 0..<used { larger.append(slots[(first + index) & (slots.count - 1)]) }
    for _ in used..<max(4, slots.count * 2) { larger.append(nil) }
    slots = larger
    first = 0
  }
}
