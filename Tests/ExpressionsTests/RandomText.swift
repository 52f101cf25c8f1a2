import Arrow
import TestSupport
import VolleyPlan

/// Texts in which functions of texts have something to find: few letters, characters of one to four bytes, spaces.
enum RandomText {
  private static let letters: [Unicode.Scalar] = [
    "a", "b", "a", "b", "c", "A", "K", " ", "\t", "\n", "%", "_", ",", ",", ".", "1", "é", "ß", "İ", "Σ", "\u{A0}", "日",
    "😀", "x", "z", "\u{300}",
  ]

  static func value(_ generator: inout SeededGenerator) -> String {
    let narrow = Bool.random(using: &generator) ? Array(letters.prefix(5)) : letters
    let length = Int.random(in: 0...(Int.random(in: 0..<10, using: &generator) == 0 ? 50 : 9), using: &generator)
    return String(String.UnicodeScalarView((0..<length).map { _ in narrow.randomElement(using: &generator)! }))
  }
}
