import Base
import CVolley
import VolleyPlan

// Calls that give and take lists as JSON.

extension PluginInstance {
  /// A slot that gives text of the plugin's.
  typealias Answer =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafeMutablePointer<UInt64>?,
      UnsafeMutablePointer<volley_error>?
    ) -> Int32
  /// A slot that is given text of the host's.
  typealias Order =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<CChar>?, UInt64, UnsafeMutablePointer<volley_error>?
    ) -> Int32

  /// Bytes that a plugin's part of a checkpoint may have.
  static let answerLimit: UInt64 = 64 << 20

  /// The elements of the array that a call gives.
  func answer(
    _ slot: StaticString,
    _ call: (
      UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafePointer<CChar>?>, UnsafeMutablePointer<UInt64>,
      UnsafeMutablePointer<volley_error>
    ) -> Int32
  ) throws(Failure) -> [JSONValue] {
    error.reset()
    var text: UnsafePointer<CChar>?
    var length: UInt64 = 0
    let (site, pointer, errorPointer) = (site("\(slot)"), selfPointer, error.pointer)
    let status = site.run { call(pointer, &text, &length, errorPointer) }
    try finish(status, slot)
    guard length <= Self.answerLimit else {
      throw Failure(
        .plugin,
        "\(context.label) gave \(length) bytes from '\(slot)', at most \(Self.answerLimit) are kept; give less of it")
    }
    guard let text else {
      throw Failure(.plugin, "\(context.label) gave no text from '\(slot)'; give at least an empty array, []")
    }
    let value: JSONValue
    do {
      value = try JSONValue.parse(UnsafeRawBufferPointer(start: text, count: Int(length)))
    } catch {
      throw Failure(.plugin, "\(context.label) gave from '\(slot)' what is no JSON: \(error); correct the plugin")
    }
    guard case .array(let elements) = value else {
      throw Failure(
        .plugin, "\(context.label) gave from '\(slot)' JSON that is no array; give an array, may it be empty")
    }
    return elements
  }

  /// Runs a call that is given a value.
  func order(
    _ slot: StaticString, _ value: JSONValue,
    _ call: (
      UnsafeMutableRawPointer?, UnsafePointer<CChar>?, UInt64, UnsafeMutablePointer<volley_error>
    ) -> Int32
  ) throws(Failure) {
    error.reset()
    var text = value.text
    let (site, pointer, errorPointer) = (site("\(slot)"), selfPointer, error.pointer)
    let status = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { bytes in
        site.run { call(pointer, bytes.baseAddress, UInt64(bytes.count), errorPointer) }
      }
    }
    try finish(status, slot)
  }
}
