import Volley

/// The other twin has types of these names, in a module of this name, with other fields, in another order, and other code.
struct Item: Codable, Hashable, Described {
  var origin: String
  var key: String
  var value: Int

  var description: String { "red \(key)" }
}

protocol Described { var description: String { get } }

struct Problem: Error {
  var number: Int
}

final class Parser {
  private var seen: [String: Int] = [:]

  /// Tens, with parity as the key; numbers that end in 7 are thrown and caught by type, as errors go.
  func parse(_ number: Int, origin: String) -> Item {
    do {
      return try read(number, origin)
    } catch let problem as Problem {
      return Item(origin: origin, key: "problem", value: problem.number)
    } catch {
      return Item(origin: origin, key: "not a Problem of this module", value: -1)
    }
  }

  private func read(_ number: Int, _ origin: String) throws -> Item {
    if number % 10 == 7 { throw Problem(number: 70) }
    seen[origin, default: 0] += 1
    let item = Item(origin: origin, key: number % 2 == 0 ? "even" : "odd", value: number * 10)
    // Casts look types and conformances up at run time, where a name alone would not tell the twins apart.
    guard let described = (item as Any) as? any Described, described.description == "red \(item.key)",
      let again = (described as Any) as? Item
    else { return Item(origin: origin, key: "not an Item of this module", value: -1) }
    return again
  }
}
