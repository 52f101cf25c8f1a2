import Volley

/// The other twin has types of these names, in a module of this name, with other fields, in another order, and other code.
struct Item: Codable, Hashable, Described {
  var value: Int
  var weight: Double
  var key: String
  var origin: String

  enum CodingKeys: CodingKey { case value, key, origin }

  init(value: Int, key: String, origin: String) {
    self.value = value
    weight = 0.5
    self.key = key
    self.origin = origin
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      value: try fields.decode(Int.self, forKey: .value), key: try fields.decode(String.self, forKey: .key),
      origin: try fields.decode(String.self, forKey: .origin))
  }

  var description: String { "blue \(weight) \(key)" }
}

protocol Described { var description: String { get } }

enum Problem: Error {
  case nines(Int, String)
}

final class Parser {
  private let scale = 3
  private var last: Item?

  /// Thirds, with the rest as the key; multiples of 9 are thrown and caught by type, as errors go.
  func parse(_ number: Int, origin: String) -> Item {
    do {
      last = try read(number, origin)
    } catch Problem.nines(let value, let key) {
      last = Item(value: value, key: key, origin: origin)
    } catch {
      last = nil
    }
    return last ?? Item(value: -1, key: "not a Problem of this module", origin: origin)
  }

  private func read(_ number: Int, _ origin: String) throws -> Item {
    if number % 9 == 0 { throw Problem.nines(9, "nine") }
    let item = Item(value: number / scale, key: "rest \(number % scale)", origin: origin)
    guard let described = (item as Any) as? any Described, described.description == "blue 0.5 \(item.key)",
      let again = (described as Any) as? Item
    else { return Item(value: -1, key: "not an Item of this module", origin: origin) }
    return again
  }
}
