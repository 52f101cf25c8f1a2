/// A queue in one block of memory that grows by doubling.
struct Ring<Element> {
  private var slots: [Element?] = []
  private var first = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ element: Element) {
    if count == slots.count { grow() }
    slots[(first + count) & (slots.count - 1)] = element
    count += 1
  }

  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = slots[first].take()
    first = (first + 1) & (slots.count - 1)
    count -= 1
    return element
  }

  /// The oldest element.
  var peek: Element? { count == 0 ? nil : slots[first] }

  private mutating func grow() {
    var larger: [Element?] = []
    larger.reserveCapacity(max(4, slots.count * 2))
    for index in 0..<count { larger.append(slots[(first + index) & (slots.count - 1)]) }
    for _ in count..<max(4, slots.count * 2) { larger.append(nil) }
    slots = larger
    first = 0
  }
}
